"""Direct preference optimisation (arXiv 2305.18290) on the pairs of a data set."""
