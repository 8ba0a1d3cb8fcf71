"""Writes rows of the history, and checks whether it can be written."""
