"""The one way to a price: validate, price, record, answer (services.py)."""
