"""Diamonds and forests. Nothing in this package knows of Django.

stones.py   the vocabulary: grades, codes, units, bounds, the two schemes
tables/     a data file to raw stones: packed, from a spreadsheet, as people have it
dataset.py  raw stones to clean ones, and which of them are held out
forest/     what serves, numpy alone: stones in; price, range and comparables out
training/   what trains, with scikit-learn and pandas: fit, calibrate, score, compare
"""
