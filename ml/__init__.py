"""Diamonds and price forests. Nothing in this package imports Django.

stones.py   the project's own table: grades, codes, units, bounds, the two schemes
vocabulary.py  what a version accepts: its grades, optional properties and bounds
tables/     reads a data file (compressed, a workbook, with the trade's headings) into raw stones
dataset.py  cleans raw stones and splits them into training and held-out stones
forest/     serves with numpy only: takes stones; returns prices, ranges and comparables
training/   trains with scikit-learn and pandas: fit, calibrate, score, compare
"""
