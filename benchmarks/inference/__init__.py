"""How fast a local model answers, beside Transformers' own `generate` at its best fixed batch size."""
