"""How long the analysis of a policy takes."""
