"""Recorded answers worked out anew, by their own version or by another."""
