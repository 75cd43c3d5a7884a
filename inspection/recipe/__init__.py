"""The recipe: all a station needs to judge one product."""

from inspection.recipe.recipe_file import (
    FORMAT,
    PARITY_TOLERANCE,
    PictureSize,
    Recipe,
    RecipeSettings,
    Reference,
    check_place,
    open_recipe,
    write_recipe,
)

__all__ = [
    "FORMAT",
    "PARITY_TOLERANCE",
    "PictureSize",
    "Recipe",
    "RecipeSettings",
    "Reference",
    "check_place",
    "open_recipe",
    "write_recipe",
]
