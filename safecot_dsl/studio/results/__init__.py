"""The Results room's server: what the arms of a run came to, rule by rule and case by case."""
