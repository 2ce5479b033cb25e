"""`r1 eval`: models on benchmarks, beside the recipe."""
