"""Diamonds and forests. Nothing in this package knows of Django.

stones.py   the vocabulary: grades, codes, units, bounds, the two schemes
dataset.py  CSV to clean stones, and which of them are held out
forest/     what serves, numpy alone: stones in; price, range and comparables out
training/   what trains, with scikit-learn and pandas: fit, calibrate, score, compare
"""
