"""The Policy room's server: decisions, examples, claims, findings and changes of a policy as it is written."""
