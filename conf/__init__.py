"""The configuration of the recipe: every number is here."""
