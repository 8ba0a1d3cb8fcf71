"""Model versions: activating, comparing, replaying."""
