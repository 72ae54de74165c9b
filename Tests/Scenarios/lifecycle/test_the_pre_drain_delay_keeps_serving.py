"""During --pre-drain-delay the sidecar says that it is not ready and still serves whoever has not noticed yet."""

import signal

from harness import ask, assert_works, wait_for


def test_it_does(launch, prefiller):
    sidecar = launch(pre_drain_delay="4s")
    assert sidecar.admin("/livez").status == 200
    sidecar.signal(signal.SIGTERM)
    wait_for(lambda: sidecar.admin("/readyz").status == 503, "not ready", 3)
    assert_works(sidecar, prefiller)
    assert ask(sidecar.port, target="/health").status in (200, 503)
    assert sidecar.admin("/livez").status == 200
    assert sidecar.process.poll() is None
    assert sidecar.wait_exit() == 0
