"""A port that somebody else holds: exit 69, the port is named, no child is left."""

import socket

import pytest

from harness import EXECUTABLE, as_arguments, free_port, run


@pytest.mark.parametrize("flag", ["port", "admin_port"])
def test_it_does(flag):
    assert EXECUTABLE.exists()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        taken = holder.getsockname()[1]
        flags = {"port": free_port(), "admin_port": free_port(), "vllm_port": free_port(), "secure_proxy": False,
                 "listen_address": "127.0.0.1", "admin_address": "127.0.0.1", "control_socket": "off"}
        done = run(*as_arguments(flags | {flag: taken}))
    assert done.returncode == 69, done.stderr
    assert str(taken) in done.stderr
