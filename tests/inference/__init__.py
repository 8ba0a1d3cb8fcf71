"""The Open Inference Protocol; the tests with third-party clients are in tests/clients."""
