"""Benchmarks of the forests (make bench-model); serving never imports or installs what is here."""
