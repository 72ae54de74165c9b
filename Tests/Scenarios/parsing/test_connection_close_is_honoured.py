"""A client that says close gets its answer and then the close; without it the connection serves the next request."""

from harness import Client, request


def test_close(sidecar):
    with Client(sidecar.port) as client:
        client.send(request("GET", "/once", [("Connection", "close")]))
        answer = client.response()
        assert answer.status == 200 and answer.one("connection").lower() == "close"
        assert client.wait_until_closed() == b""


def test_close_in_a_list_in_capitals(sidecar):
    with Client(sidecar.port) as client:
        client.send(request("GET", "/once", [("Connection", "X-Thing, CLOSE")]))
        assert client.response().status == 200
        assert client.wait_until_closed() == b""


def test_what_follows_a_close_is_not_served(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(request("GET", "/once", [("Connection", "close")]) + request("GET", "/after"))
        assert client.response().json()["served"] == "/once"
        assert client.wait_until_closed() == b""
    assert [seen.target for seen in decoder.requests] == ["/once"]


def test_keep_alive_is_the_default(sidecar):
    with Client(sidecar.port) as client:
        for number in range(20):
            client.send(request("GET", f"/{number}"))
            assert client.response().json()["served"] == f"/{number}"
