"""Which forest answers, and where it comes from."""
