"""What selecting rows from a large pool costs."""
