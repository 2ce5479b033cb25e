"""Breaks runs on purpose and looks at what became of them: `make drill`."""
