"""Recipes, and the stages strung together."""

from safecot_dsl.pipeline.recipe import Arm, MiniatureBase, Recipe, find_recipe, load_recipe
from safecot_dsl.pipeline.run import Run

__all__ = ["Arm", "MiniatureBase", "Recipe", "Run", "find_recipe", "load_recipe"]
