"""kill -9 of the admin process: serving goes on, and metrics are back soon with the same counts."""

import os
import signal

from harness import assert_works, wait_for


def test_it_is(launch, prefiller):
    sidecar = launch()
    assert_works(sidecar)
    sidecar.wait_for_metric(1, "sidecar_requests_total")
    admin, proxy = sidecar.component_pid("admin"), sidecar.component_pid("proxy")
    os.kill(admin, signal.SIGKILL)
    assert_works(sidecar, prefiller)
    assert sidecar.wait_for_new("admin", admin) != admin
    wait_for(sidecar.is_ready, "the admin port to answer")
    assert sidecar.metric("sidecar_requests_total") >= 3
    assert sidecar.component_pid("proxy") == proxy
