"""Merkle trees with the hashes of RFC 9162 (2.1), SHA-256, over leaves that are read one after another.

Memory grows with the logarithm of the number of leaves. Used by seals.
"""

from hashlib import sha256


def leaf_hash(content):
    """The hash of a leaf's bytes."""
    return sha256(b"\x00" + content).digest()


def node_hash(left, right):
    """The hash of a node with these two hashes below it."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The root over leaf hashes that are added in order; `size` is their number.

    A class because it keeps the roots of the complete subtrees so far, at most one of each height.
    """

    def __init__(self):
        self.size, self._roots = 0, []

    def add(self, leaf):
        """Adds a leaf hash."""
        self.size += 1
        rest = self.size
        while not rest & 1:
            leaf, rest = node_hash(self._roots.pop(), leaf), rest >> 1
        self._roots.append(leaf)

    def root(self):
        """The root, 32 bytes; of an empty tree the hash of nothing."""
        if not self._roots:
            return sha256().digest()
        *others, root = self._roots
        for left in reversed(others):
            root = node_hash(left, root)
        return root


def root_of(leaves):
    """The root over an iterable of leaf hashes."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path_of(index, size, leaves):
    """The inclusion path of a leaf, lowest sibling first (RFC 9162, 2.1.3.1); reads each leaf once.

    leaves: (start, end) -> an iterable of the leaf hashes of these places.
    """
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            path.append(root_of(leaves(middle, end)))
            end = middle
        else:
            path.append(root_of(leaves(start, middle)))
            start = middle
    return path[::-1]


def root_by_path(index, size, leaf, path):
    """The root that follows from a leaf hash and its path (RFC 9162, 2.1.3.2); None if they do not fit."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for sibling in path:
        if not last:
            return None
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    return None if last else root
