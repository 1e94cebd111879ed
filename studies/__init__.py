"""Experiments whose question and hypotheses were written down before they were run."""
