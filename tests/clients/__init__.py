"""Third-party clients, in a separate virtual environment, on the served site: make test-clients."""
