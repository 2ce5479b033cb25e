"""Training of reward models: their rows, trainers and quality."""
