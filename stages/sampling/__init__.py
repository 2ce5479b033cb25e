"""Samples of a model: drawn, kept for reuse, filtered, chosen."""
