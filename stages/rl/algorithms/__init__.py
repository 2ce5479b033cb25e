"""One family of algorithms on the same prompts, rewards and rollouts (docs/algorithms.md)."""
