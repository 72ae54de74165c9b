"""75 is for answers that the end cut: not for those that a restart cut long before, and also for those of a second signal
during --pre-drain-delay."""

import signal

from harness import Stepwise, open_stream, wait_for


def test_what_a_restart_cut_is_no_part_of_it(launch, prefiller):
    sidecar = launch(restart_drain_timeout="200ms")
    sidecar.decoder.script = Stepwise(patience=40)
    old = sidecar.component_pid("proxy")
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        sidecar.signal(signal.SIGUSR2)
        client.wait_until_closed()
    wait_for(lambda: "requests were cut" in sidecar.log_text(), "the old one to say what it cut")
    sidecar.wait_for_new("proxy", old)
    sidecar.signal(signal.SIGTERM)
    assert sidecar.wait_exit() == 0


def test_a_second_signal_before_the_drain(launch, prefiller):
    sidecar = launch(pre_drain_delay="30s")
    sidecar.decoder.script = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        sidecar.signal(signal.SIGTERM)
        wait_for(lambda: sidecar.admin("/readyz").status == 503, "not ready", 3)
        sidecar.signal(signal.SIGTERM)
        assert sidecar.wait_exit(5) == 75
        assert not client.wait_until_closed().endswith(b"0\r\n\r\n")
