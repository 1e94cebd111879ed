"""How fast rows are made, and in how much memory."""
