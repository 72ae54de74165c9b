"""A control socket that cannot be created is a warning: the sidecar serves, and signals still work."""

import signal
import socket

from harness import assert_works, wait_for


def test_it_does(launch, prefiller):
    sidecar = launch(control_socket="/nonexistent-directory/control.sock")
    assert_works(sidecar, prefiller)
    assert "/nonexistent-directory/control.sock" in sidecar.log_text()
    before = sidecar.children()
    sidecar.signal(signal.SIGUSR2)
    wait_for(lambda: len(sidecar.children() - before) == 1 and len(sidecar.children()) == 3, "another proxy")
    assert_works(sidecar, prefiller)
    sidecar.signal(signal.SIGTERM)
    assert sidecar.wait_exit() == 0


def test_off_means_none(launch, prefiller):
    sidecar = launch(control_socket="off")
    assert_works(sidecar, prefiller)
    sidecar.signal(signal.SIGTERM)
    assert sidecar.wait_exit() == 0


def test_a_stale_socket_file_is_replaced(launch, tmp_path):
    path = str(tmp_path / "c.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    sidecar = launch(control_socket=path)
    assert sidecar.status()["ready"] is True
