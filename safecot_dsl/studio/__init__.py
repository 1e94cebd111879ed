"""The studio: a local page on which a folder's policies, rows and results are read, tried and mended."""
