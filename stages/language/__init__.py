"""Which language a text is in, by script, words and sentences."""
