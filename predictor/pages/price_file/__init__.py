"""Pricing a file of stones: the upload, its preview, the priced file."""
