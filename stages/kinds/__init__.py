"""The kinds of stage, each in a folder: `kind.py` says what it is, `run.py` runs it."""
