"""Quotes: the page of one, similar alternatives, recent ones, a comparison of several."""
