"""Prices stones: validate, price, record, answer (services.py). All prices are computed here."""
