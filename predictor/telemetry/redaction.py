"""Addresses without their secrets, as they are stored, logged and shown: a password, a signature, a token.

Called by the log's formatters and by what takes addresses from people.
"""

import re
from urllib.parse import unquote

USER = re.compile(r"(?<=://)[^/\s?#]*@")
QUERY = re.compile(r"[?#]([^\s'\"<>]*?)(?=[:.,;)]{0,3}(?:[\s'\"<>]|$))")
SECRET = re.compile(
    "sig|token|secret|passw|pwd|key|credential|auth|code|session|jwt|sas|x-(amz|goog)-"
)
"""What names a parameter that gives access: of S3, Google and Azure storage, and of usual services."""


def redacted(text: str) -> str:
    """A text whose addresses have lost their users, passwords and signatures; other texts as they are."""
    return QUERY.sub(_query, USER.sub("", text)) if "://" in text else text


def _query(found: re.Match[str]) -> str:
    parts = found[1].split("&")
    kept = [part for part in parts if not _is_secret(part)]
    return f"{found[0][0]}{'&'.join(kept)}" if kept or kept == parts else ""


def _is_secret(part: str) -> bool:
    name, _, value = part.partition("=")
    return bool(value) and SECRET.search(unquote(name).lower()) is not None
