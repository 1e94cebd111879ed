"""How many cases a second are decided, and in how much memory."""
