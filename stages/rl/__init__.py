"""Reinforcement learning: prompts, groups, the trainer, what is measured."""
