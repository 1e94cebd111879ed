"""What a guard's check of one response costs, and what it notices."""
