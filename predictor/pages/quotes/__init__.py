"""Quotes: one, its alternatives, recent ones, several compared."""
