"""The account page: the own password."""
