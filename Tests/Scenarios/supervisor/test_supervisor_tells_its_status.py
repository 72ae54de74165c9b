"""`status`, for people and for programs: what runs, as whom, since when, and whether it is ready."""

import os
import stat

from harness import is_alive, run


def test_as_json(sidecar):
    status = sidecar.status()
    assert status["pid"] == sidecar.pid and status["state"] == "running" and status["ready"] is True
    assert status["version"] and status["uptime_seconds"] > 0
    rows = {row["name"]: row for row in status["components"]}
    assert set(rows) == {"dialer", "proxy", "admin"} and len(status["components"]) == 3
    for row in rows.values():
        assert is_alive(row["pid"]) and row["actual"] == "running" and row["ready"] is True
        assert row["restarts"] == 0 and row["uptime_seconds"] > 0 and row["last_exit"] is None
        assert row["wanted"] == "up" and isinstance(row["instance"], int)


def test_for_people(sidecar):
    done = run("status", "--control-socket", sidecar.control_socket)
    assert done.returncode == 0
    for word in ("dialer", "proxy", "admin", "running", str(sidecar.pid)):
        assert word in done.stdout


def test_the_socket_is_private(sidecar):
    mode = os.stat(sidecar.control_socket)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o600


def test_without_a_sidecar_it_is_a_clear_error(tmp_path):
    done = run("status", "--control-socket", str(tmp_path / "none.sock"))
    assert done.returncode != 0 and "none.sock" in done.stderr and done.stdout == ""
