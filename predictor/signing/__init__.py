"""Signatures of this installation: its keys, and signed texts (JWS) that anybody can check."""
