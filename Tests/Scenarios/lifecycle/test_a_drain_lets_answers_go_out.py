"""An answer that waits for its client alone is part of what a drain waits for: it goes out whole, or it counts as cut."""

import signal
import time

import pytest

from harness import request, wait_for
from support.unread import ANSWER, leave_unread


def drain(sidecar):
    sidecar.signal(signal.SIGTERM)
    wait_for(lambda: sidecar.status()["state"] == "draining", "draining")


@pytest.mark.parametrize("headers", [(), [("Connection", "close")]])
def test_it_does(launch, prefiller, headers):
    sidecar = launch(drain_timeout="20s", head_timeout="1s")
    with leave_unread(sidecar, prefiller, headers) as client:
        drain(sidecar)
        time.sleep(2.5)
        assert client.response().body == ANSWER
        assert client.wait_until_closed() == b""
    assert sidecar.wait_exit() == 0


def test_behind_it_a_request_may_be_on_its_way(launch, prefiller):
    sidecar = launch(drain_timeout="20s")
    with leave_unread(sidecar, prefiller) as client:
        drain(sidecar)
        assert client.response().body == ANSWER
        client.send(request("GET", "/health"))
        answer = client.response()
        assert answer.status == 200 and answer.one("connection") == "close"
        assert client.wait_until_closed() == b""
    assert sidecar.wait_exit() == 0


@pytest.mark.parametrize("headers", [(), [("Connection", "close")]])
def test_what_outlasts_the_deadline_counts_as_cut(launch, prefiller, headers):
    sidecar = launch(drain_timeout="3s", head_timeout="1s")
    with leave_unread(sidecar, prefiller, headers) as client:
        sidecar.signal(signal.SIGTERM)
        assert sidecar.wait_exit() == 75
        assert not client.response().complete
