"""Third-party clients, in a virtual environment of their own, on the served site: make test-clients."""
