"""Group-relative policy optimisation (arXiv 2402.03300): a compiled policy as the reward."""
