"""Recomputes recorded answers, with their own version or another one."""
