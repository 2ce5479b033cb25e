"""Folders of models: what comes in, whether it fits, what the recipe changes in it."""
