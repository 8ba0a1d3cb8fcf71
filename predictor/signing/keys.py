"""The keys that sign receipts and seals: Ed25519, in one private file (RECEIPT_KEYS_FILE).

The first key signs. Keys that it replaced are kept without their private half, so that what they signed can
still be checked. `manage.py quickstart` makes the file, or the first receipt; `manage.py receipt rotate`
adds a key. The file is a JWK set (RFC 7517, 8037); a key's ID is its thumbprint (RFC 7638).
"""

import fcntl
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from predictor import private_files
from predictor.errors import Unavailable

LARGEST = 64 * 1024
"""Bytes of the file: over 200 keys."""

PRIVATE = "d"


class KeysUnusable(Unavailable):
    """The file of the keys cannot be read or made, or holds no key to sign with."""

    message = _(
        "The keys of receipts are unavailable. Try again later, or ask for an answer without a receipt."
    )


def encoded(content):
    """Bytes as base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text):
    """The bytes of base64url without padding; ValueError for anything else, and for a text that the bytes
    would not be encoded as: then no other text has the same meaning."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encoded(content) != text:
        raise ValueError("not base64url")
    return content


def public_keys():
    """The public halves as JWKs, the one that signs first; [] before a key is made. KeysUnusable."""
    return [_public(key) for key in _stored()]


def signing_key():
    """(key id, private key) that sign now; made if there is no file. KeysUnusable."""
    make()
    try:
        [first, *_] = _stored()
        return first["kid"], _private_key(first[PRIVATE])
    except (KeyError, TypeError, ValueError) as error:
        raise KeysUnusable(f"{_path()} has no key to sign with: {error}") from None


def public_key(kid):
    """The public key with an ID; None if this installation has none. KeysUnusable."""
    for key in _stored():
        if key["kid"] == kid:
            return _public_key(key["x"])
    return None


def make():
    """Makes the file with a first key, unless there is one. KeysUnusable."""
    if not _stored():
        _write([_new_key()], replace=False)


def rotate():
    """Adds a key that signs from now on; returns its ID. The others lose their private half.
    KeysUnusable."""
    new = _new_key()
    with _one_at_a_time():
        _write([new, *public_keys()], replace=True)
    return new["kid"]


@contextmanager
def _one_at_a_time():
    """Waits until no other process replaces the file: the key that it adds would be lost. KeysUnusable."""
    try:
        private_files.make_folder(_path().parent)
        with private_files.opened(f"{_path()}.lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise KeysUnusable(f"{_path()}: {error.strerror}") from None


def _path():
    return Path(settings.RECEIPT_KEYS_FILE)


def _stored():
    """The keys of the file, read again if it has changed. KeysUnusable."""
    try:
        state = _path().stat()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeysUnusable(f"{_path()}: {error.strerror}") from None
    return _read(str(_path()), state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(path, inode, changed, size):
    try:
        if size > LARGEST:
            raise ValueError(f"over {LARGEST} bytes")
        keys = json.loads(Path(path).read_bytes())["keys"]
        for key in keys:
            if key["kid"] != _thumbprint(key["x"]) or len(decoded(key["x"])) != 32:
                raise ValueError("a key does not match its ID")
    except OSError as error:
        raise KeysUnusable(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeysUnusable(f"{path} is not a set of keys: {error}") from None
    return keys


def _write(keys, replace):
    """Writes the file in one step; without `replace` an existing one stays."""
    path, content = _path(), json.dumps({"keys": keys}, indent=1).encode()
    if len(content) > LARGEST:
        raise KeysUnusable(f"{path} would have over {LARGEST} bytes: remove the oldest keys")
    try:
        private_files.make_folder(path.parent)
        number, name = mkstemp(".part", path.name, path.parent)  # 0600
        try:
            _move_into_place(number, name, content, replace)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise KeysUnusable(f"{path}: {error.strerror}") from None


def _move_into_place(number, name, content, replace):
    path = _path()
    with os.fdopen(number, "wb") as file:
        os.fchmod(number, private_files.rights_in(path.parent) & 0o666)
        file.write(content)
        file.flush()
        os.fsync(number)
    if replace:
        Path(name).replace(path)
        return
    with suppress(FileExistsError):  # another process was faster
        path.hardlink_to(name)


def _new_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    x = encoded(private.public_key().public_bytes_raw())
    return _jwk(x) | {PRIVATE: encoded(private.private_bytes_raw())}


def _jwk(x):
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": _thumbprint(x),
        "x": x,
    }


def _public(key):
    return _jwk(key["x"])


def _thumbprint(x):
    needed = {"crv": "Ed25519", "kty": "OKP", "x": x}
    return encoded(sha256(json.dumps(needed, separators=(",", ":")).encode()).digest())


def _private_key(text):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(decoded(text))


def _public_key(x):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(decoded(x))
