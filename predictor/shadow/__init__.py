"""Prices requests with a version that is not active, and compares it with the active one."""
