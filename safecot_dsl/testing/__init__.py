"""Property-based testing of policies."""
