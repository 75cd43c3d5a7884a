"""The trade: recipe, judging, decisions, records, studies, the command line."""
