"""How long a rule set takes to be parsed, checked and decided, beside other policy languages."""
