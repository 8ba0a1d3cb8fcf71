"""Copies of the whole installation, database and forests together, and the way back from one."""
