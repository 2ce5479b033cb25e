"""Judges that are models, and what they said: of pairs, of responses, of answers without a rule."""
