"""Rows: their schemas, the files that they come from, what is chosen of them."""
