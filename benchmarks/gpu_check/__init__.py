"""Ten minutes on somebody's first GPU: does it all run, and how fast."""
