"""The command `score`, which prices files of stones."""
