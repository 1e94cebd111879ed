"""Commands that serve: the guard, the editor, and a model with its adapter merged."""
