"""Requests sent before the answers of earlier ones are answered one after the other, whatever each of them needs."""

from harness import CHAT, PROMPT, ROUTE, Client, request


def test_three_plain_ones(sidecar):
    with Client(sidecar.port) as client:
        client.send(b"".join(request("GET", f"/number/{n}") for n in range(3)))
        assert [client.response().json()["served"] for _ in range(3)] == [f"/number/{n}" for n in range(3)]


def test_a_routed_one_between_plain_ones(sidecar, prefiller):
    with Client(sidecar.port) as client:
        client.send(
            request("GET", "/first")
            + request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT)
            + request("GET", "/health")
            + request("GET", "/last")
        )
        first, routed, health, last = (client.response() for _ in range(4))
    assert first.json()["served"] == "/first"
    assert routed.json()["served"] == CHAT
    assert health.status == 200 and health.body == b""
    assert last.json()["served"] == "/last"


def test_what_stands_before_a_bad_one_is_answered(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(request("GET", "/good") + b"BAD\r\n\r\n" + request("GET", "/never"))
        assert client.response().json()["served"] == "/good"
        assert client.response().status == 400
        assert client.wait_until_closed() == b""
    assert [seen.target for seen in decoder.requests] == ["/good"]
