"""Reviewing of recorded answers: judge them, draw samples, export them."""
