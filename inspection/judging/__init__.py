"""From a picture to a verdict."""
