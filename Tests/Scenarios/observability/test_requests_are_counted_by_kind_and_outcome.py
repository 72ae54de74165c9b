"""sidecar_requests_total tells api, mode and outcome of every request; it never holds a path or a name of a client."""

from harness import CHAT, COMPLETIONS, PROMPT, Client, Stepwise, answers, ask, open_stream, response, routed


def test_they_are(sidecar, decoder, prefiller):
    def count(api, mode, status):
        return sidecar.metric("sidecar_requests_total", api=api, mode=mode, status=status)

    def expect(api, mode, status, act):
        before = count(api, mode, status)
        act()
        sidecar.wait_for_metric(before + 1, "sidecar_requests_total", api=api, mode=mode, status=status)

    expect("chat_completions", "disaggregated", "2xx", lambda: routed(sidecar, prefiller))
    expect("completions", "disaggregated", "2xx", lambda: routed(sidecar, prefiller, target=COMPLETIONS))
    expect("chat_completions", "decoder_only", "2xx", lambda: ask(sidecar.port, "POST", CHAT, body=PROMPT))
    expect("other", "decoder_only", "2xx", lambda: ask(sidecar.port))
    expect("completions", "decoder_only", "4xx", lambda: ask(sidecar.port, "POST", COMPLETIONS, body=b"{"))
    decoder.script = answers(response(404, {"error": {}}))
    expect("other", "decoder_only", "4xx", lambda: ask(sidecar.port))
    decoder.script = answers(response(500, {"error": {}}))
    expect("chat_completions", "disaggregated", "5xx", lambda: routed(sidecar, prefiller))
    decoder.script = stream = Stepwise()

    def leave():
        with open_stream(sidecar, prefiller) as client:
            client.read_until(b"\r\n\r\n")
        assert stream.gone.wait(5)

    expect("chat_completions", "disaggregated", "aborted", leave)


def test_requests_in_flight_are_seen(sidecar, decoder):
    decoder.script = stream = Stepwise()
    with open_stream(sidecar) as client:
        client.read_until(b"\r\n\r\n")
        sidecar.wait_for_metric(1, "sidecar_requests_in_flight")
        stream.finish()
        client.read_until(b"0\r\n\r\n")
    sidecar.wait_for_metric(0, "sidecar_requests_in_flight")


def test_no_name_of_a_client_becomes_a_label(sidecar, decoder):
    ask(sidecar.port, "BREW", "/very-special-path?x=1", [("X-Request-Id", "very-special-id")])
    text = sidecar.admin("/metrics").body.decode()
    assert "very-special" not in text and "BREW" not in text
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) == len({line.rpartition(" ")[0] for line in lines}), "a series is there twice"


def test_the_admin_port_serves_nothing_else(sidecar, decoder):
    assert sidecar.admin("/livez").status == 200
    assert sidecar.admin("/readyz").status == 200
    assert sidecar.admin("/metrics").one("content-type").startswith("text/plain")
    for path in ("/v1/models", "/../metrics", "//metrics", "/metrics/x"):
        assert sidecar.admin(path).status in (400, 404)
    assert ask(sidecar.admin_port, "POST", "/metrics", body=b"{}").status in (400, 404, 405)
    with Client(sidecar.admin_port) as client:
        client.send(b"\0" * 100_000)
        client.wait_until_closed()
    assert sidecar.admin("/livez").status == 200
    assert decoder.requests == []
