"""Authorization and Cookie are for the decoder; a prefiller gets them only when a flag says so."""

from harness import routed

CREDENTIALS = [("Authorization", "Bearer secret"), ("Cookie", "a=1"), ("Cookie", "b=2")]


def test_by_default_only_the_decoder_gets_them(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller, headers=CREDENTIALS).status == 200
    assert prefiller.the_request().all("authorization") == prefiller.the_request().all("cookie") == []
    assert decoder.the_request().one("authorization") == "Bearer secret"
    assert "; ".join(decoder.the_request().all("cookie")) == "a=1; b=2"


def test_with_the_flag_both_get_them(launch, prefiller):
    sidecar = launch(forward_credentials_to_prefiller=True)
    assert routed(sidecar, prefiller, headers=CREDENTIALS).status == 200
    for engine in (prefiller, sidecar.decoder):
        assert engine.the_request().one("authorization") == "Bearer secret"
        assert "; ".join(engine.the_request().all("cookie")) == "a=1; b=2"


def test_proxy_authorization_reaches_nobody(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller, headers=[("Proxy-Authorization", "Basic eDp5")]).status == 200
    assert prefiller.the_request().all("proxy-authorization") == decoder.the_request().all("proxy-authorization") == []
