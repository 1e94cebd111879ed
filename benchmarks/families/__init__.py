"""A tiny model of every supported family: a step, a save, a reload and a generation."""
