"""Alters signed texts."""


def with_other_signature(text):
    """The text with another signature than its own."""
    content, _, signature = text.rpartition(".")
    return f"{content}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
