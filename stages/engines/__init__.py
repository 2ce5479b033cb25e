"""RL by an engine of its own environment: verl, slime (docs/engines.md)."""
