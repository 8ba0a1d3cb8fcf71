"""Signed JSON: a JWS in compact form (RFC 7515), by a key of this installation (EdDSA, RFC 8037).

One algorithm, one form of header, one spelling of the base64: nothing of a text can be changed, not even a
bit without a meaning. Used by receipts and seals.
"""

import json

from . import keys

LARGEST = 8_192
"""Characters of a signed text; checked before anything of it is read."""

ALGORITHM = "EdDSA"


class NotValid(Exception):
    """A text that is not signed by a key of this installation; `code` says why: too_long, not_signed,
    unknown_key or changed."""

    def __init__(self, code):
        super().__init__(MESSAGES[code])
        self.code = code


MESSAGES = {
    "too_long": f"it has over {LARGEST} characters",
    "not_signed": "it is not a signed text of this kind",
    "unknown_key": "it is signed by a key that this installation does not have",
    "changed": "its content was changed, or its signature is not genuine",
}


def sign(content, kind):
    """A dictionary as a signed text. kind: its `typ`, so that a text cannot be taken for one of another
    kind. KeysUnusable."""
    kid, key = keys.signing_key()
    head = keys.encoded(_json({"alg": ALGORITHM, "kid": kid, "typ": kind}))
    signed = f"{head}.{keys.encoded(_json(content))}"
    return f"{signed}.{keys.encoded(key.sign(signed.encode()))}"


def verified(text, kind):
    """The content of a signed text of a kind; NotValid, KeysUnusable."""
    from cryptography.exceptions import InvalidSignature

    if not isinstance(text, str):
        raise NotValid("not_signed")
    if len(text) > LARGEST:
        raise NotValid("too_long")
    try:
        head, body, signature = text.split(".")
        named = json.loads(keys.decoded(head))
        kid = named["kid"]
        if keys.decoded(head) != _json({"alg": ALGORITHM, "kid": kid, "typ": kind}):
            raise NotValid("not_signed")
        content, signed = keys.decoded(body), keys.decoded(signature)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotValid("not_signed") from None
    key = keys.public_key(kid)
    if key is None:
        raise NotValid("unknown_key")
    try:
        key.verify(signed, f"{head}.{body}".encode())
    except InvalidSignature:
        raise NotValid("changed") from None
    return json.loads(content)


def _json(content):
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
