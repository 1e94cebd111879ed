"""Commands on data: sources, facts, rows, and what other trainers read."""
