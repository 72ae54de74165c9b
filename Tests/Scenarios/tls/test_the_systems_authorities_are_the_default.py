"""Without --ca-cert-path the system's bundle decides: an authority in it is trusted, no other."""

import contextlib
import pathlib

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, Engine, Sidecar, decodes, prefills, request
from support import own_machine
from support.tls import TLSEngine

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@contextlib.contextmanager
def trusting(authority):
    """On a machine whose bundle holds this one authority."""
    with own_machine.own_machine():
        own_machine.replace_file(BUNDLE, authority.read_text())
        yield


def status(certificates, certificate):
    decoder, prefiller = Engine(decodes), TLSEngine(prefills(), certificates.server(certificate))
    sidecar = Sidecar(decoder, prefiller_use_tls=True)
    try:
        with Client(sidecar.port) as client:
            client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT))
            return client.response().status
    finally:
        sidecar.stop()
        decoder.close()
        prefiller.close()


@pytest.mark.parametrize("authority,certificate,expected", [
    ("ca", "engine", 200), ("ca", "foreign", 502), ("other", "foreign", 200), ("other", "engine", 502),
])
def test_they_are(certificates, authority, certificate, expected):
    if not own_machine.may_have_one() or not pathlib.Path(BUNDLE).exists():
        pytest.skip("NOT CHECKED: another bundle takes root, and Debian's place for it")
    certificates.pair(certificate)
    with trusting(certificates.folder / f"{authority}.crt"):
        assert status(certificates, certificate) == expected
