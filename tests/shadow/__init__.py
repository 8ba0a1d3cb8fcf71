"""Tests of the package predictor.shadow."""
