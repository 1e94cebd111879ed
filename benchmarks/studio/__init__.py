"""How fast the studio answers: `python -m benchmarks.studio`."""
