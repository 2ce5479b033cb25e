"""Breaks runs over a cluster on purpose: `make drill ARGS='--on slurm'`."""
