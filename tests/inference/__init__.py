"""The Open Inference Protocol; the clients that others wrote are in tests/clients."""
