"""The verbs of `r1` beside the engine's own: eval, export, grade, review."""
