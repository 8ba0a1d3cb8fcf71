"""The pages for the public."""
