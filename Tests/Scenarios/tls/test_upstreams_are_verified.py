"""Who is called must show a certificate for the address or name that was called, from an authority that is trusted; the
settings say what else may be. Each row has its one outcome, for the prefiller and for the decoder."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, assert_error, decodes, prefills, request, wait_for

OK, REFUSED = True, False
NAMED = {"server_name": "prefill-0.pool.svc"}
ANY = {"skip": True}

# certificate, settings, outcome for a prefiller called at 127.0.0.1, outcome for the decoder called at localhost
TABLE = [
    ("engine", {}, OK, OK),
    ("big", {}, OK, OK),
    ("chained", {}, OK, OK),
    ("address-only", {}, OK, None),  # whether the decoder's name or address counts is the decoder host's matter
    ("name-only", {}, REFUSED, OK),
    ("elsewhere", {}, REFUSED, REFUSED),
    ("second-loopback", {}, REFUSED, REFUSED),
    ("prefill-0", {}, REFUSED, REFUSED),
    ("foreign", {}, REFUSED, REFUSED),
    ("self-signed", {}, REFUSED, REFUSED),
    ("expired", {}, REFUSED, REFUSED),
    ("future", {}, REFUSED, REFUSED),
    ("prefill-0", NAMED, OK, OK),
    ("engine", NAMED, REFUSED, REFUSED),
    ("elsewhere", NAMED, REFUSED, REFUSED),
    ("foreign", ANY, OK, OK),
    ("self-signed", ANY, OK, OK),
    ("expired", ANY, OK, OK),
    ("elsewhere", ANY, OK, OK),
    ("engine", {"authority": "other"}, REFUSED, REFUSED),
    ("foreign", {"authority": "other"}, OK, OK),
    ("engine", {"authority": None}, REFUSED, REFUSED),  # the system's bundle does not know our authority
]


def flags_of(leg, settings, certificates):
    authority = settings.get("authority", "ca")
    flags = {f"{leg}_use_tls": True, "ca_cert_path": authority and certificates.folder / f"{authority}.crt"}
    if "server_name" in settings:
        flags[f"{leg}_tls_server_name"] = settings["server_name"]
    if "skip" in settings:
        flags[f"{leg}_tls_insecure_skip_verify"] = True
    return flags


def ask(sidecar, prefiller=None):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.address)] if prefiller else [], PROMPT))
        return client.response()


def judge(sidecar, leg, answer, engine, outcome, skip):
    unverified = sidecar.metric("sidecar_tls_unverified_connections_total", side=leg)
    assert (unverified > 0) == (skip and outcome)
    assert ("skip" in sidecar.log_text()) == skip, "a check that is off is said loudly at the start"
    if outcome:
        assert answer.status == 200, answer.body
        assert sidecar.metric("sidecar_tls_handshakes_total", side=leg) >= 1
        return
    assert_error(answer, 502, f"{leg}_tls_failed")
    # The engine notes its side of it a moment later.
    wait_for(lambda: engine.hellos >= 1, "the handshake that failed", 5)
    assert engine.requests == [] and engine.hellos == 1, "it was tried again"
    assert sidecar.metric("sidecar_tls_handshake_failures_total", side=leg) == 1


@pytest.mark.parametrize("certificate,settings,outcome", [row[:3] for row in TABLE])
def test_the_prefiller(launch, engine, certificates, certificate, settings, outcome):
    prefiller = engine(prefills(), certificate)
    sidecar = launch(**flags_of("prefiller", settings, certificates))
    answer = ask(sidecar, prefiller)
    judge(sidecar, "prefiller", answer, prefiller, outcome, "skip" in settings)
    assert len(sidecar.decoder.requests) == (1 if outcome else 0)


@pytest.mark.parametrize("certificate,settings,outcome", [(*row[:2], row[3]) for row in TABLE if row[3] is not None])
def test_the_decoder(launch, engine, certificates, certificate, settings, outcome):
    decoder = engine(decodes, certificate)
    sidecar = launch(decoder, **flags_of("decoder", settings, certificates))
    judge(sidecar, "decoder", ask(sidecar), decoder, outcome, "skip" in settings)


@pytest.mark.parametrize("certificate,outcome", [("v6", OK), ("engine", REFUSED)])
def test_an_ipv6_prefiller(launch, engine, certificates, certificate, outcome):
    prefiller = engine(prefills(), certificate, host="::1")
    sidecar = launch(**flags_of("prefiller", {}, certificates))
    judge(sidecar, "prefiller", ask(sidecar, prefiller), prefiller, outcome, False)


@pytest.mark.parametrize("certificate,outcome", [("address-only", OK), ("engine", OK), ("name-only", REFUSED)])
def test_a_decoder_that_is_named_by_its_address(launch, engine, certificates, certificate, outcome):
    decoder = engine(decodes, certificate)
    sidecar = launch(decoder, decoder_host="127.0.0.1", **flags_of("decoder", {}, certificates))
    judge(sidecar, "decoder", ask(sidecar), decoder, outcome, False)


def test_an_address_is_asked_for_without_a_name(launch, engine, certificates):
    """SNI holds names alone (RFC 6066); with a server name it is that one."""
    prefiller = engine(prefills())
    assert ask(launch(**flags_of("prefiller", {}, certificates)), prefiller).status == 200
    assert prefiller.handshakes[0].server_name is None and prefiller.handshakes[0].protocol == "http/1.1"
    named = engine(prefills(), "prefill-0")
    assert ask(launch(**flags_of("prefiller", NAMED, certificates)), named).status == 200
    assert named.handshakes[0].server_name == "prefill-0.pool.svc"


def test_one_leg_is_not_the_other(launch, engine, certificates, prefiller):
    """Skipping the check of the decoder leaves that of the prefiller in force."""
    decoder, bad = engine(decodes, "self-signed"), engine(prefills(), "self-signed")
    sidecar = launch(decoder, decoder_use_tls=True, prefiller_use_tls=True, decoder_tls_insecure_skip_verify=True,
                     ca_cert_path=certificates.ca)
    assert ask(sidecar).status == 200
    assert_error(ask(sidecar, bad), 502, "prefiller_tls_failed")
    assert sidecar.metric("sidecar_tls_unverified_connections_total", side="prefiller") == 0


@pytest.mark.parametrize("flags,legs", [
    ({"enable_tls": "prefiller"}, ["prefiller"]), ({"enable_tls": "decoder"}, ["decoder"]),
    ({"enable_tls": "prefiller,decoder"}, ["prefiller", "decoder"]),
])
def test_the_list_flags_say_the_same(launch, engine, certificates, prefiller, flags, legs):
    over_tls = {"prefiller": engine(prefills(), "self-signed"), "decoder": engine(decodes, "self-signed")}
    decoder = over_tls["decoder"] if "decoder" in legs else None
    first = over_tls["prefiller"] if "prefiller" in legs else prefiller
    sidecar = launch(decoder, tls_insecure_skip_verify=",".join(legs), **flags)
    assert ask(sidecar, first).status == 200
    for leg in ("prefiller", "decoder"):
        unverified = sidecar.metric("sidecar_tls_unverified_connections_total", side=leg)
        assert (unverified > 0) == (leg in legs)
