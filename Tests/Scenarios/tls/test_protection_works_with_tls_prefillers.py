"""The allowlist and TLS together: who isn't in the list is refused before any hello, who is must still show a certificate."""

from harness import CHAT, PROMPT, ROUTE, assert_error, prefills, wait_for


def routed(sidecar, engine):
    with sidecar.connect() as client:
        return client.ask("POST", CHAT, [(ROUTE, engine.address)], PROMPT)


def test_it_does(launch_tls, engine, certificates):
    allowed, false, outside = engine(prefills()), engine(prefills(), "foreign"), engine(prefills(), host="127.0.0.2",
                                                                                       certificate="second-loopback")
    sidecar = launch_tls(
        enable_ssrf_protection=True, handoff_host_check="off", prefiller_use_tls=True, ca_cert_path=certificates.ca,
        allow=f"{allowed.address},{false.address}")
    assert routed(sidecar, allowed).status == 200
    assert_error(routed(sidecar, false), 502, "prefiller_tls_failed")
    assert_error(routed(sidecar, outside), 403, "prefill_target_not_allowed")
    assert outside.connection_count == 0 and false.connection_count == 1
    assert wait_for(lambda: sidecar.metric("sidecar_errors_total", type="tls") == 1, "the counter", 5)
