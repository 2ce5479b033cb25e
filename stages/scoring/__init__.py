"""Evaluation: how it asks, what it counts, how sure its numbers are."""
