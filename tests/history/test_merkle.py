"""Merkle trees as in RFC 9162; pymerkle, another implementation, gives the same roots and paths."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pymerkle import InmemoryTree, verify_inclusion

from predictor.history.merkle import Tree, leaf_hash, node_hash, path_of, root_by_path, root_of

pytestmark = pytest.mark.once

# The vectors of Certificate Transparency's own tests (RFC 6962).
CONTENTS = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

LEAVES = some.lists(some.binary(max_size=8), min_size=1, max_size=70)


def slices(hashes):
    return lambda start, end: iter(hashes[start:end])


@pytest.mark.parametrize("size", range(1, 9))
def test_the_known_roots_come_out(size):
    assert root_of(map(leaf_hash, CONTENTS[:size])).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Tree().root() == sha256().digest()


@given(LEAVES, some.data())
def test_pymerkle_has_the_same_root_and_accepts_the_path(contents, data):
    other = InmemoryTree(algorithm="sha256")
    contents = [bytes([place]) + content for place, content in enumerate(contents)]
    for content in contents:
        other.append_entry(content)
    hashes = [leaf_hash(content) for content in contents]
    root, index = root_of(hashes), data.draw(some.integers(0, len(hashes) - 1))
    assert root == other.get_root()
    path = path_of(index, len(hashes), slices(hashes))
    assert root_by_path(index, len(hashes), hashes[index], path) == root
    proof = other.prove_inclusion(index + 1)
    assert [one for one in proof.path if one != hashes[index]] == path  # its own has the leaf, too
    verify_inclusion(hashes[index], root, proof)


@given(LEAVES, some.data())
def test_a_path_fits_no_other_leaf_place_size_or_sibling(contents, data):
    hashes = [leaf_hash(bytes([place]) + one) for place, one in enumerate(contents)]
    size, root = len(hashes), root_of(hashes)
    index = data.draw(some.integers(0, size - 1))
    path, leaf = path_of(index, size, slices(hashes)), hashes[index]
    others = [root_by_path(index, size, leaf_hash(b"other"), path)]
    others += [root_by_path(place, size, leaf, path) for place in range(size) if place != index]
    others += [root_by_path(index, size, leaf, [*path, leaf])]
    for place in range(len(path)):
        others.append(root_by_path(index, size, leaf, path[:place] + path[place + 1 :]))
        changed = [*path[:place], node_hash(leaf, leaf), *path[place + 1 :]]
        others.append(root_by_path(index, size, leaf, changed))
    assert root not in others


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_place_outside_the_tree_has_no_root(index, size):
    assert root_by_path(index, size, b"", []) is None
