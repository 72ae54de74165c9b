"""HUP reloads, USR1 and RTMIN speak to processes that are not configured here, a storm of them does no harm."""

import signal

from harness import assert_works, wait_for


def test_they_do_not(launch, prefiller):
    sidecar = launch()
    for number in (signal.SIGHUP, signal.SIGUSR1, 34, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH):
        sidecar.signal(number)
        assert_works(sidecar, prefiller)
    for _ in range(2000):
        sidecar.signal(signal.SIGHUP)
    assert_works(sidecar, prefiller)
    wait_for(sidecar.is_ready, "ready")
    assert sidecar.process.poll() is None


def test_a_storm_of_restarts_settles(launch, prefiller):
    sidecar = launch()
    for _ in range(30):
        sidecar.signal(signal.SIGUSR2)
        sidecar.signal(35)
    wait_for(lambda: sidecar.is_ready() and sidecar.component("proxy") and sidecar.component("dialer"), "calm", 20)
    assert_works(sidecar, prefiller)
    wait_for(lambda: len(sidecar.status()["components"]) == 3, "old processes to be gone", 20)
