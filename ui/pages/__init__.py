"""The pages, a folder each, found by being there: `routes.py` has `PAGE` and answers what the page asks."""
