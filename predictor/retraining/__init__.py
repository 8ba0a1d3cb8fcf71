"""Retraining: trained, compared with the active version, registered, activated (services.py)."""
