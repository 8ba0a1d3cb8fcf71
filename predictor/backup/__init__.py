"""Backup and restore of the whole installation: the database together with the forests."""
