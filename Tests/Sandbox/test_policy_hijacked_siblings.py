"""Children that were taken over, against the supervisor and their siblings: stand-ins behind walls of their own."""

import time

import pytest
from policy_support import house, installation, last_exit, wait_for
from support.certificates import Certificates

PATIENCE = 5.0  # Acknowledgement.patience
PROTECTED = {"enable_ssrf_protection": True, "allow": "127.0.0.1:9"}


def test_a_dialer_that_keeps_a_snapshot_to_itself_is_ended():
    with installation(dialer="MUTE") as build, house(build, ready=False, **PROTECTED) as running:
        wait_for(lambda: running.logged("a snapshot came"), "the snapshot at the dialer")
        old, since = running.row("dialer")["pid"], time.monotonic()
        told = last_exit(running, "dialer")
        took = time.monotonic() - since
        assert PATIENCE - 1 < took < PATIENCE + 2, took
        assert told == "killed by the supervisor: it did not go by a new snapshot of the pool within 5 s"
        assert running.logged("dialer broke the protocol and is ended", "'allowlist-in-force' did not come in time")
        wait_for(lambda: running.metrics().get("sidecar_ipc_violations_total", 0) >= 1, "the violation is counted")
        running.wait_new("dialer", old)
        assert running.process.poll() is None


def test_a_dialer_without_a_snapshot_owes_no_answer():
    with installation(dialer="MUTE") as build, house(build, ready=False) as running:
        wait_for(lambda: running.rows("dialer") and running.row("dialer")["ready"], "the stand-in ready")
        pid = running.row("dialer")["pid"]
        time.sleep(PATIENCE + 2)
        assert running.row("dialer")["pid"] == pid
        assert running.metrics()["sidecar_ipc_violations_total"] == 0


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_an_admin_process_can_change_neither_counters_nor_the_status_page(sandbox):
    """Proxy and admin process are one executable, so the proxy is a stand-in too."""
    walls = {} if sandbox == "on" else {"sandbox": "off", "require_sandbox": "off"}
    with installation(proxy="FORGES") as build, house(build, ready=False, **walls) as running:
        wait_for(lambda: running.logged('"admin"', "message 6:"), "the status page at the admin process")
        wait_for(lambda: running.logged('"admin"', "message 7:"), "a counter segment at the admin process")
        assert running.logged('"admin"', "message 6: readable 1, writable 0")
        assert running.logged('"admin"', "message 7: readable 1, writable 0")
        assert not running.logged("writable 1")


def test_a_proxy_that_disowns_what_it_has_shown_changes_no_certificate_and_ends_nobody_else():
    certificates = Certificates()
    flags = {"secure_proxy": True, "cert_path": certificates.directory("p256"), "require_certificate": True}
    try:
        with installation(proxy="DISOWNS") as build, house(build, ready=False, **flags) as running:
            first = wait_for(lambda: running.rows("proxy") and running.row("proxy")["pid"], "the stand-in")
            wait_for(lambda: running.logged("can't show the certificates in force and is replaced"), "it is noticed")
            wait_for(lambda: running.row("proxy")["pid"] not in (0, first), "another one in its place")
            assert not running.logged("signs itself") and not running.logged("there is no usable certificate")
            assert running.process.poll() is None
    finally:
        certificates.close()
