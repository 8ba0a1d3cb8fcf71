"""Diamonds and forests. Nothing in this package knows of Django.

stones.py    the vocabulary: grades, codes, units, bounds, the two schemes
dataset.py   CSV to clean stones, and which of them are held out
trend.py     the smooth part of a graded price
forest.py    PriceForest: stones in; price, range and comparables out
training.py  fit, calibrate, score, compare
artifact.py  the forest file
"""
