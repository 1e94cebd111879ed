"""How many seeded faults the verifier of written texts finds, and how many right texts it takes for wrong."""
