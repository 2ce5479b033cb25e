"""Fine-tuning and pretraining: documents, their layout in a step, the trainer."""
