"""Policies and data in other people's forms: pages, other tools' formats."""
