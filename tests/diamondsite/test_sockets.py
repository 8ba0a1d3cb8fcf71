"""No call on a client's socket blocks on the client, and what the client does not accept at once is
kept."""

import socket
from contextlib import suppress

import pytest

from diamondsite import sockets

MB = 2**20
LARGE = bytes(range(256)) * (16 * MB // 256)
"""More than any kernel buffers for a client that does not read."""


@pytest.fixture
def ends():
    """(the client's socket, the server's)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 120)
        ours = sockets.ClientSocket(listener.accept()[0])
    with client, ours:
        yield client, ours


def all_that_is_read(client, ours):
    """What a client reads until all kept bytes are sent."""
    received = []
    while not ours.flush():
        received.append(client.recv(MB))
    ours.shutdown(socket.SHUT_WR)
    return b"".join([*received, *iter(lambda: client.recv(MB), b"")])


def flushed(ours):
    while not ours.flush():
        pass


def test_a_large_answer_is_kept_and_sent_in_its_order(ends):
    client, ours = ends
    ours.sendall(b"first")
    ours.sendall(LARGE)
    assert 0 < ours.kept < len(LARGE)
    for _ in range(100):
        ours.sendall(b"more")
    assert ours.send(b"last") == 4
    assert all_that_is_read(client, ours) == b"first" + LARGE + b"more" * 100 + b"last"
    assert ours.kept == 0


def test_a_small_answer_leaves_at_once(ends):
    client, ours = ends
    ours.sendall(b"answer")
    assert (ours.kept, ours.flush(), client.recv(100)) == (0, True, b"answer")


def test_a_kept_answer_does_not_stay_in_memory(ends):
    _, ours = ends
    ours.sendall(LARGE)
    assert ours._file.fileno() > 0  # a file on disk, once SpooledTemporaryFile has rolled over


@pytest.mark.parametrize("before", [b"head", LARGE])
def test_a_file_is_sent_without_a_copy_after_what_was_written(ends, tmp_path, before):
    client, ours = ends
    path = tmp_path / "file"
    path.write_bytes(b"skipped" + LARGE)
    ours.sendall(before)
    with path.open("rb") as file:
        file.seek(7)
        ours.sendfile(file, 7, len(LARGE))
    path.unlink()
    assert ours.kept > 0
    assert (ours.spooled == 0) == (before == b"head")
    assert all_that_is_read(client, ours) == before + LARGE


def test_a_file_that_becomes_shorter_ends_the_connection(ends, tmp_path):
    client, ours = ends
    path = tmp_path / "file"
    path.write_bytes(LARGE)
    with path.open("rb") as file:
        ours.sendfile(file, 0, len(LARGE))
    path.write_bytes(b"")
    with pytest.raises(ConnectionResetError, match="shorter"):
        all_that_is_read(client, ours)


def test_nothing_is_waited_for_on_reading(ends):
    client, ours = ends
    ours.setblocking(True)
    ours.settimeout(None)
    with pytest.raises(ConnectionResetError, match="nothing yet"):
        ours.recv(10)
    with pytest.raises(BlockingIOError):
        ours.recv(10, socket.MSG_DONTWAIT)
    client.sendall(b"a")
    client.shutdown(socket.SHUT_WR)
    received = b""
    while received != b"a":
        with suppress(ConnectionResetError):
            received += ours.recv(10)
    assert ours.recv(10) == b""


def test_whoever_gets_too_far_ahead_of_a_client_that_does_not_read_is_stopped(ends, monkeypatch):
    monkeypatch.setattr(sockets, "AHEAD", 20 * MB)
    monkeypatch.setattr(sockets, "PATIENCE", 0)
    _, ours = ends
    ours.sendall(LARGE)
    with pytest.raises(ConnectionResetError, match="does not read"):
        ours.sendall(LARGE)


def test_a_client_that_has_gone_is_noticed(ends):
    client, ours = ends
    ours.sendall(LARGE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    with pytest.raises(OSError, match=r"reset|pipe"):
        flushed(ours)
