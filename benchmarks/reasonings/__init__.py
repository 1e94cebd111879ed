"""How long the reasonings of policies are, and how far one has to read to find the rule that decides."""
