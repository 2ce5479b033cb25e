"""A recipe of four kinds that adds numbers: the engine's tests drive it as a user would."""
