"""The home page: its form, the live estimate."""
