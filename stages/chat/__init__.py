"""Conversations as text and tokens: templates, other people's messages, prompts with blanks."""
