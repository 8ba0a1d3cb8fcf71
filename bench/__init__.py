"""Benchmarks of the forests (make bench-model) and the service (make bench); serving never imports
them."""
