"""Removes secrets from addresses before they are stored, logged or shown: passwords, signatures, tokens.

Called by the log formatters and by code that takes addresses from people.
"""

import re
from urllib.parse import unquote

USER = re.compile(r"(?<=://)[^/\s?#]*@")
QUERY = re.compile(r"[?#]([^\s'\"<>#]*?)(?=[:.,;)]{0,3}(?:[\s'\"<>#]|$))")
SECRET = re.compile(
    "sig|token|secret|pass|pwd|hmac|key|credential|auth|code|session|jwt|sas|x-(amz|goog)-"
)
"""Names of parameters that give access: those of S3, Google and Azure storage, and common ones."""
LIST = re.compile(r"(/file/[0-9a-f]{8})-[0-9a-f-]+", re.IGNORECASE)
"""The address of a priced list, which whoever has it may see."""


def redacted(text: str) -> str:
    """A text with users, passwords and signatures removed from its addresses."""
    return QUERY.sub(_query, USER.sub("", text)) if "://" in text else text


def without_list_ids(text: str) -> str:
    """A text with only the beginnings of the ids of priced lists."""
    return LIST.sub(_shortened, text)


def _shortened(found: re.Match[str]) -> str:
    return f"{found[1]}…"


def _query(found: re.Match[str]) -> str:
    parts = found[1].split("&")
    kept = [part for part in parts if not _is_secret(part)]
    return f"{found[0][0]}{'&'.join(kept)}" if kept or kept == parts else ""


def _is_secret(part: str) -> bool:
    """Whether a parameter, or one of several with semicolons between them, gives access."""
    pairs = (pair.partition("=") for pair in part.split(";"))
    return any(value and SECRET.search(unquote(name).lower()) for name, _, value in pairs)
