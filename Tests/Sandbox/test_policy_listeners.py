"""A proxy that was taken over shares its listening socket with the supervisor and with every proxy that follows. What it
could do to the socket is done here from outside, on the very socket: its descriptor is taken out of the proxy by
pidfd_getfd, changed, and closed again; the proxy that holds it stays alive."""

import contextlib
import ctypes
import os
import socket
import struct

import pytest
from policy_support import house, need_root, sockets_of, wait_for

SO_LINGER = struct.pack("ii", 1, 0)
# A classic filter of one instruction: keep nothing.
DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
PROGRAM = struct.pack("HxxxxxxP", 1, ctypes.addressof(DROP_ALL))
SO_ATTACH_FILTER, SO_LOCK_FILTER = 26, 44


@contextlib.contextmanager
def listener_of(pid, port):
    """The listening socket of that port in that process."""
    for _, candidate in sockets_of(pid):
        try:
            is_it = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and candidate.getsockname()[1] == port
        except OSError:
            continue
        if is_it:
            yield candidate
            return
    raise AssertionError(f"process {pid} has no socket that listens on {port}")


def shut_down(listener):
    listener.shutdown(socket.SHUT_RDWR)


def put_a_locked_filter_on(listener):
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, PROGRAM)
    listener.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)


def lock_without_a_filter(listener):
    listener.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)


def make_every_answer_end_in_a_reset(listener):
    """Connections inherit it: what is unsent when they are closed is thrown away."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, SO_LINGER)


def make_it_block(listener):
    """A loop that accepts until there is nobody left would wait for the next client, and everybody with it."""
    os.set_blocking(listener.fileno(), True)


@pytest.mark.parametrize("attack", [
    shut_down, put_a_locked_filter_on, lock_without_a_filter, make_every_answer_end_in_a_reset, make_it_block])
@pytest.mark.parametrize("role", ["proxy", "admin"])
def test_a_listener_that_was_tampered_with_is_made_anew(attack, role):
    need_root("attacks on the shared listener")
    with house() as running:
        port = running.port if role == "proxy" else running.admin_port
        old = running.row(role)["pid"]
        with listener_of(old, port) as listener:
            attack(listener)
        running.wait_new(role, old, timeout=30)
        wait_for(running.is_ready, "ready with a new socket", 20)
        assert running.logged("it is made anew")
        assert running.logged(f"{role} ended", "tampered with")
        with listener_of(running.row(role)["pid"], port) as listener:
            assert listener.getsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER) == 0
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 0, 0)
            assert not os.get_blocking(listener.fileno())
        for _ in range(5):
            running.works(timeout=5)
