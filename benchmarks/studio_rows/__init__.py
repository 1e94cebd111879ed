"""How fast the studio shows and reviews the rows of a large run: `python -m benchmarks.studio_rows`."""
