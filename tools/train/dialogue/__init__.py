"""The dialogue model, its training data in codes, and its training."""
