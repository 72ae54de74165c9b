"""/readyz is 503, with a reason, while requests cannot be served, and 200 again when they can; /livez stays 200."""

import os
import signal

from harness import Engine, decodes, is_alive, wait_for


def test_about_the_decoder(launch):
    sidecar = launch()
    port = sidecar.decoder.port
    assert sidecar.admin("/readyz").status == 200
    sidecar.decoder.close()
    wait_for(lambda: sidecar.admin("/readyz").status == 503, "not ready without a decoder", 20)
    assert b"decoder" in sidecar.admin("/readyz").body and sidecar.admin("/livez").status == 200
    revived = Engine(decodes, port=port)
    try:
        wait_for(sidecar.is_ready, "ready again", 20)
    finally:
        revived.close()


def test_about_a_killed_child(launch):
    """However soon the successor comes, afterwards everything is ready again."""
    sidecar = launch()
    for name in ("dialer", "proxy"):
        pid = sidecar.component_pid(name)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: not is_alive(pid), f"the {name} to be dead")
        sidecar.wait_for_new(name, pid)
        wait_for(sidecar.is_ready, "ready again")
        assert sidecar.status()["ready"] is True
