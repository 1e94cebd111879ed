"""How often a wrong reasoning before a right answer is found out."""
