"""Retraining: trained, compared with the live version, registered, activated (services.py)."""
