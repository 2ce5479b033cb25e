"""Samples made readable: by a model, by the tiny world, by people."""
