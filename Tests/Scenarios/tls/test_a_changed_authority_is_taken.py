"""--ca-cert-path is read again when it changes, and on HUP; what is broken is refused and the old one goes on."""

import signal
import time

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, prefills, wait_for


@pytest.fixture
def bundle(certificates):
    """(path, change) of a file whose whole content is replaced."""
    path = certificates.new_directory() / "ca.crt"

    def in_place(text):
        path.write_bytes(text)

    def by_rename(text):
        path.with_suffix(".new").write_bytes(text)
        path.with_suffix(".new").rename(path)

    path.write_bytes(certificates.ca.read_bytes())
    return path, {"in place": in_place, "by rename": by_rename}


def status(sidecar, prefiller):
    return ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status


@pytest.mark.parametrize("way", ["in place", "by rename"])
def test_it_is(launch, engine, certificates, bundle, way):
    path, ways = bundle
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    foreign = engine(prefills(), "foreign")
    assert status(sidecar, foreign) == 502
    ways[way](certificates.ca.read_bytes() + certificates.other_ca.read_bytes())
    wait_for(lambda: status(sidecar, foreign) == 200, "the new authority to be trusted", 5)
    assert status(sidecar, engine(prefills())) == 200


def test_hup_has_it_read(launch, engine, certificates, bundle):
    path, ways = bundle
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    foreign = engine(prefills(), "foreign")
    ways["in place"](certificates.other_ca.read_bytes())
    sidecar.signal(signal.SIGHUP)
    wait_for(lambda: status(sidecar, foreign) == 200, "the new authority to be trusted", 5)
    assert status(sidecar, engine(prefills())) == 502


def test_hup_has_what_was_refused_judged_again(launch, bundle):
    path, ways = bundle
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    ways["in place"](b"this is no certificate\n")
    for times in (1, 2, 3):
        wait_for(
            lambda: sidecar.metric("sidecar_certificate_reloads_total", result="refused") == times, "a refusal", 5)
        time.sleep(0.6)
        assert sidecar.metric("sidecar_certificate_reloads_total", result="refused") == times
        sidecar.signal(signal.SIGHUP)


@pytest.mark.parametrize("text", [b"", b"this is no certificate\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_broken_one_is_not(launch, engine, certificates, bundle, text):
    path, ways = bundle
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    assert status(sidecar, engine(prefills())) == 200
    ways["by rename"](text)
    wait_for(lambda: '"error"' in sidecar.log_text(), "a complaint", 5)
    assert status(sidecar, engine(prefills())) == 200
    assert status(sidecar, engine(prefills(), "foreign")) == 502
    ways["by rename"](certificates.other_ca.read_bytes())
    wait_for(lambda: status(sidecar, engine(prefills(), "foreign")) == 200, "the new authority to be trusted", 5)


def test_who_is_trusted_no_more_is_refused(launch, engine, certificates, bundle):
    path, ways = bundle
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    assert status(sidecar, engine(prefills())) == 200
    ways["by rename"](certificates.other_ca.read_bytes())
    wait_for(lambda: status(sidecar, engine(prefills())) == 502, "the old authority to be forgotten", 5)


@pytest.mark.parametrize("text", [None, b"", b"nothing\n"])
def test_none_at_the_start_trusts_nobody(launch, engine, certificates, text):
    """Either the start fails, or every engine is refused: never is anybody trusted for want of an authority."""
    path = certificates.new_directory() / "ca.crt"
    if text is not None:
        path.write_bytes(text)
    try:
        sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    except AssertionError as failure:
        assert "exit" in str(failure)
        return
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, engine(prefills()).address)], PROMPT)
    assert_error(answer, 502, "prefiller_tls_failed")
