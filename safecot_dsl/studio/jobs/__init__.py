"""Long work that is begun from the page and outlives it."""
