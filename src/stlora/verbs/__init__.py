"""The verbs of the command line: their options, and what is too long for `cli.py`."""
