"""GET /health says that the sidecar lives: 200 with an empty body, whatever the decoder does."""

from harness import ask


def test_it_never_asks_the_decoder(sidecar, decoder):
    answer = ask(sidecar.port, target="/health")
    assert answer.status == 200 and answer.body == b"" and answer.one("content-length") == "0"
    assert decoder.requests == []


def test_it_works_while_the_decoder_is_gone(launch):
    sidecar = launch()
    sidecar.decoder.close()
    assert ask(sidecar.port, target="/health").status == 200


def test_other_methods_go_to_the_decoder(sidecar, decoder):
    assert ask(sidecar.port, "POST", "/health", body=b"{}").status == 200
    assert decoder.the_request().method == "POST"
