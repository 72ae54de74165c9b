"""A client that takes its answer slowly has the patience for readers, whatever the deadlines of heads and idle
connections are, also when no engine has anything left to say."""

import time

import pytest

from harness import request
from support.unread import ANSWER, leave_unread


@pytest.mark.parametrize("headers", [(), [("Connection", "close")]])
def test_it_is_not(launch, prefiller, headers):
    sidecar = launch(keep_alive_timeout="1s", head_timeout="1s")
    with leave_unread(sidecar, prefiller, headers) as client:
        time.sleep(2.5)
        assert client.response().body == ANSWER
        if headers:
            assert client.wait_until_closed() == b""
        else:
            client.send(request("GET", "/health"))
            assert client.response().status == 200


def test_the_idle_deadline_begins_when_it_is_out(launch, prefiller):
    sidecar = launch(keep_alive_timeout="1s")
    with leave_unread(sidecar, prefiller) as client:
        assert client.response().body == ANSWER
        assert client.wait_until_closed() == b""
