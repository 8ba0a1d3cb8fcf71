"""Signed texts and their keys; joserfc reads and writes the same, and nothing of a text can be changed."""

import json
import stat
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc import jws as other
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet, OKPKey

from predictor.signing import jws, keys

CONTENT = {"price": 851.25, "name": "ż", "none": None, "list": [1, {"a": 2.5}]}
KIND = "tests+jws"

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.RECEIPT_KEYS_FILE = tmp_path / "receipt_keys.json"
    return settings.RECEIPT_KEYS_FILE


@pytest.fixture
def eddsa():
    """joserfc's algorithms; it warns of the name EdDSA, which RFC 9864 replaces by Ed25519."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield ["EdDSA"]


def why(text, kind=KIND):
    with pytest.raises(jws.NotValid) as refused:
        jws.verified(text, kind)
    return refused.value.code


def test_what_is_signed_is_read_again():
    assert jws.verified(jws.sign(CONTENT, KIND), KIND) == CONTENT


def test_joserfc_accepts_it_by_the_published_keys(eddsa):
    text = jws.sign(CONTENT, KIND)
    published = KeySet.import_key_set({"keys": keys.public_keys()})
    read = other.deserialize_compact(text, published, algorithms=eddsa)
    assert json.loads(read.payload) == CONTENT
    assert read.headers() == {"alg": "EdDSA", "kid": keys.public_keys()[0]["kid"], "typ": KIND}


def test_a_key_has_the_id_and_the_signature_that_joserfc_gives_it(own_keys, eddsa):
    text = jws.sign(CONTENT, KIND)
    [stored] = json.loads(own_keys.read_text())["keys"]
    key = OKPKey.import_key(stored)
    assert key.thumbprint() == stored["kid"]
    head, body, _ = text.split(".")
    assert (
        other.serialize_compact(json.loads(keys.decoded(head)), keys.decoded(body), key, eddsa)
        == text
    )


def test_no_bit_of_a_text_can_be_changed():
    text = jws.sign(CONTENT, KIND)
    for place in range(len(text)):
        for bit in (0, 5):
            changed = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
            assert why(changed) in ("changed", "not_signed", "unknown_key")


def test_no_byte_of_its_parts_can_be_changed():
    parts = jws.sign(CONTENT, KIND).split(".")
    for part, text in enumerate(parts):
        content = keys.decoded(text)
        for place in range(len(content)):
            other = bytearray(content)
            other[place] ^= 1
            changed = [*parts[:part], keys.encoded(other), *parts[part + 1 :]]
            assert why(".".join(changed)) in ("changed", "not_signed", "unknown_key")


def forged(**head):
    made = jws.sign(CONTENT, KIND)
    _, body, signature = made.split(".")
    named = {"alg": "EdDSA", "kid": keys.public_keys()[0]["kid"], "typ": KIND} | head
    return f"{keys.encoded(json.dumps(named, separators=(',', ':')).encode())}.{body}.{signature}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (lambda: "", "not_signed"),
        (lambda: "..", "not_signed"),
        (lambda: "a.b", "not_signed"),
        (lambda: "ż.ż.ż", "not_signed"),
        (lambda: "\ud800.a.b", "not_signed"),
        (lambda: "bnVsbA.e30.AAAA", "not_signed"),
        (lambda: "W10.e30.AAAA", "not_signed"),
        (lambda: f"{'W' * 4000}.e30.AAAA", "not_signed"),
        (lambda: jws.sign(CONTENT, KIND) + ".", "not_signed"),
        (lambda: jws.sign(CONTENT, KIND) + "=", "not_signed"),
        (lambda: jws.sign(CONTENT, KIND) + "\n", "not_signed"),
        (lambda: jws.sign(CONTENT, "other+jws"), "not_signed"),
        (lambda: forged(alg="none"), "not_signed"),
        (lambda: forged(alg="HS256"), "not_signed"),
        (lambda: forged(crit=["exp"]), "not_signed"),
        (lambda: forged(kid=7), "unknown_key"),
        (lambda: forged(kid="x" * 43), "unknown_key"),
        (lambda: jws.sign(CONTENT, KIND).rpartition(".")[0] + ".AAAA", "changed"),
        (lambda: "a" * (jws.LARGEST + 1), "too_long"),
    ],
)
def test_anything_else_is_refused(text, code):
    assert why(text()) == code


def test_the_keys_are_private_and_a_new_one_leaves_the_old_published(own_keys):
    before = jws.sign(CONTENT, KIND)
    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o600
    assert [*Path(own_keys.parent).iterdir()] == [own_keys]
    kid = keys.rotate()
    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o600
    after = jws.sign(CONTENT, KIND)
    assert after != before
    assert jws.verified(before, KIND) == jws.verified(after, KIND) == CONTENT
    first, second = keys.public_keys()
    assert first["kid"] == kid != second["kid"]
    assert not any("d" in key for key in keys.public_keys())
    assert ["d" in key for key in json.loads(own_keys.read_text())["keys"]] == [True, False]


def test_of_rotations_at_the_same_time_each_adds_a_key(own_keys, monkeypatch):
    def slowly(read=keys.public_keys):
        found = read()
        time.sleep(0.05)
        return found

    keys.make()
    monkeypatch.setattr(keys, "public_keys", slowly)
    with ThreadPoolExecutor(4) as pool:
        added = [*pool.map(lambda _: keys.rotate(), range(4))]
    first, *others = (key["kid"] for key in keys.public_keys())
    assert first in added
    assert len(others) == 4
    assert {*added} - {first} < {*others}


def test_an_existing_file_is_not_replaced(own_keys):
    keys.make()
    before = own_keys.read_bytes()
    keys.make()
    keys._write([keys._new_key()], replace=False)  # as another process that was slower
    assert own_keys.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"keys": [{"kid": "a", "x": "b"}]}',
        '{"keys": 1}',
        "[" * 10_000,
        "a" * (keys.LARGEST + 1),
    ],
)
def test_a_damaged_file_signs_nothing_and_is_not_replaced(own_keys, content):
    own_keys.write_text(content)
    for use in (keys.signing_key, keys.rotate, keys.public_keys):
        with pytest.raises(keys.KeysUnusable, match=r"receipt_keys\.json"):
            use()
    assert own_keys.read_text() == content


@pytest.mark.parametrize("half", [{}, {"d": None}, {"d": 5}, {"d": "x"}, {"d": "ż"}])
def test_without_a_private_half_nothing_is_signed(own_keys, half):
    keys.make()
    own_keys.write_text(json.dumps({"keys": [keys.public_keys()[0] | half]}))
    with pytest.raises(keys.KeysUnusable):
        jws.sign(CONTENT, KIND)


def test_a_folder_that_cannot_be_looked_into_is_named(settings, tmp_path):
    settings.RECEIPT_KEYS_FILE = tmp_path / ("a" * 300) / "keys.json"
    with pytest.raises(keys.KeysUnusable, match="File name too long"):
        jws.sign(CONTENT, KIND)


def test_a_file_that_cannot_be_moved_into_place_leaves_no_private_key(own_keys, monkeypatch):
    """As on file systems without hard links."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(keys.KeysUnusable, match="Operation not permitted"):
        jws.sign(CONTENT, KIND)
    assert [*own_keys.parent.iterdir()] == []


def test_a_key_that_would_make_the_file_unreadable_is_not_added(own_keys, monkeypatch):
    keys.make()
    monkeypatch.setattr(keys, "LARGEST", own_keys.stat().st_size + 100)
    with pytest.raises(keys.KeysUnusable, match="remove the oldest keys"):
        keys.rotate()
    assert jws.verified(jws.sign(CONTENT, KIND), KIND) == CONTENT
