"""kill -9 of the proxy: connections made while there is none wait in the queue and are served by the next one."""

import os
import signal

from harness import Client, assert_works, is_alive, request, wait_for


def test_it_is(launch, prefiller):
    sidecar = launch()
    dialer = sidecar.component_pid("dialer")
    for _ in range(3):
        old = sidecar.component_pid("proxy")
        os.kill(old, signal.SIGKILL)
        wait_for(lambda old=old: not is_alive(old), "the proxy to be dead")
        waiting = []
        for number in range(20):
            client = Client(sidecar.port)  # refused here would raise
            client.send(request("GET", f"/{number}"))
            waiting.append(client)
        for number, client in enumerate(waiting):
            assert client.response().json()["served"] == f"/{number}"
            client.sock.close()
        sidecar.wait_for_new("proxy", old)
        assert_works(sidecar, prefiller)
    assert sidecar.component_pid("dialer") == dialer
    row = sidecar.component("proxy")
    assert row["restarts"] == 3 and "9" in row["last_exit"]
    assert sidecar.metric("sidecar_component_restarts_total", component="proxy") == 3


def test_counters_outlast_it(launch):
    sidecar = launch()
    for number in range(7):
        with Client(sidecar.port) as client:
            client.send(request("GET", f"/{number}"))
            client.response()
    sidecar.wait_for_metric(7, "sidecar_requests_total", api="other")
    old = sidecar.component_pid("proxy")
    os.kill(old, signal.SIGKILL)
    sidecar.wait_for_new("proxy", old)
    assert_works(sidecar)
    sidecar.wait_for_metric(8, "sidecar_requests_total", api="other")
    sidecar.wait_until_quiet()
