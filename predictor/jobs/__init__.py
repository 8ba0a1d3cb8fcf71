"""Long work outside of requests: queued in a table, run by workers, with progress, stop and a file."""
