"""`restart NAME` restarts that component and no other; a name that is none is a clear error."""

import pytest

from harness import assert_works, run


@pytest.mark.parametrize("name", ["proxy", "dialer", "admin"])
def test_one_component(launch, prefiller, name):
    sidecar = launch()
    before = {other: sidecar.component_pid(other) for other in ("proxy", "dialer", "admin")}
    done = run("restart", name, "--control-socket", sidecar.control_socket)
    assert done.returncode == 0, done.stderr
    sidecar.wait_for_new(name, before[name])
    for other in before:
        assert (sidecar.component_pid(other) == before[other]) == (other != name)
    assert_works(sidecar, prefiller)


UNKNOWN = ["prxy", "", "watcher", "proxy dialer", "../x", "x" * 5000]


@pytest.mark.parametrize("name", UNKNOWN, ids=lambda name: name[:20])
def test_another_name(sidecar, name):
    done = run("restart", name, "--control-socket", sidecar.control_socket)
    assert done.returncode != 0
    assert done.stderr.strip() and (not name or name[:20] in done.stderr)
    assert sidecar.status()["ready"] is True


def test_no_name(sidecar):
    assert run("restart", "--control-socket", sidecar.control_socket).returncode == 64
