"""A recorded answer in words and pictures, for public pages and the admin."""
