"""x-nixl-version, x-kv-connector and x-decoder-host-port on the prefill leg, each once, whatever the client sent."""

from harness import CHAT, PROMPT, ROUTE, ask, routed


def described(sidecar):
    return {
        "x-nixl-version": "2",
        "x-kv-connector": "nixl",
        "x-decoder-host-port": f"localhost:{sidecar.decoder.port}",
    }


def test_they_are_there(sidecar, prefiller):
    assert routed(sidecar, prefiller).status == 200
    seen = prefiller.the_request()
    assert {name: seen.one(name) for name in described(sidecar)} == described(sidecar)
    assert seen.method == "POST" and seen.target == CHAT and seen.one("content-type") == "application/json"


def test_a_clients_copies_are_replaced(sidecar, prefiller):
    forged = [("X-Decoder-Host-Port", "10.0.0.1:1"), ("X-NIXL-Version", "1"), ("X-Kv-Connector", "lmcache")]
    assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address), *forged], PROMPT).status == 200
    seen = prefiller.the_request()
    assert {name: seen.one(name) for name in described(sidecar)} == described(sidecar)


def test_other_headers_pass_to_both(sidecar, decoder, prefiller):
    own = [("X-Tenant", "a"), ("x-tenant", "b"), ("User-Agent", "curl/8 (x; y)"), ("traceparent", "00-ab-cd-01")]
    assert routed(sidecar, prefiller, headers=own).status == 200
    for seen in (prefiller.the_request(), decoder.the_request()):
        assert seen.all("x-tenant") == ["a", "b"]
        assert seen.one("user-agent") == "curl/8 (x; y)" and seen.one("traceparent") == "00-ab-cd-01"


def test_the_prefiller_is_not_asked_for_a_compressed_answer(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller, headers=[("Accept-Encoding", "gzip, br")]).status == 200
    assert prefiller.the_request().one("accept-encoding") in (None, "identity")


def test_an_absent_user_agent_stays_absent(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller).status == 200
    assert prefiller.the_request().one("user-agent") is None and decoder.the_request().one("user-agent") is None
