"""Checks whether requested stones and price errors still match the models' training data."""
