"""From good pictures to a recipe, and how good it is."""
