"""Receipts: signed answers that anybody can check without an account."""
