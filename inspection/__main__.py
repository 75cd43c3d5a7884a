"""`python -m inspection`: the command line."""

from inspection.cli import main

main()
