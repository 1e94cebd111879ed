"""What goes wrong while a data set is made."""

from __future__ import annotations


class GenerateError(ValueError):
    """No data set can be made: nothing usable in the sources, or (with `strict`) a row that cannot be used."""
