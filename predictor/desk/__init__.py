"""The review desk: what Django admin shows. admin.py brings it in."""
