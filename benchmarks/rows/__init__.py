"""How long a template row takes, from its case to an Arrow table."""
