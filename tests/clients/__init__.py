"""Clients that others wrote, in an environment of their own, against the served site: make test-clients."""
