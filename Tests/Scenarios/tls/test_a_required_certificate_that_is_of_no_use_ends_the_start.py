"""--require-certificate: no usable pair, no start; exit 81, and the reason is told."""

import json

import pytest

from causes import ALL
from harness import as_arguments, free_port, run

CERTIFICATE = 81


def start(path, **flags):
    own = {
        "secure_proxy": True, "cert_path": path, "require_certificate": True, "port": free_port(), "vllm_port": free_port(),
        "listen_address": "127.0.0.1", "admin_address": "127.0.0.1", "admin_port": free_port(), "control_socket": "off",
    }
    return run(*as_arguments(own | flags))


@pytest.mark.parametrize("cause", ALL, ids=lambda cause: cause.__name__)
def test_it_does(certificates, cause):
    path = cause(certificates)
    done = start(path)
    assert done.returncode == CERTIFICATE, done
    assert str(path) in done.stderr and "self-signed" not in done.stderr, done.stderr
    for line in done.stderr.splitlines():
        json.loads(line)


@pytest.mark.parametrize("cause", ["encrypted", "expired", "not yet valid|not-yet-valid|not_yet_valid", "mismatch|does not belong"])
def test_it_says_which(certificates, cause):
    import re

    import causes

    maker = {"e": causes.encrypted, "x": causes.expired, "n": causes.not_yet_valid, "m": causes.mismatched}
    done = start(maker["x" if cause == "expired" else cause[0]](certificates))
    assert done.returncode == CERTIFICATE and re.search(cause, done.stderr), done.stderr


def test_a_good_one_starts(launch_tls):
    with launch_tls(require_certificate=True).connect() as client:
        assert client.ask().status == 200


def test_without_tls_it_is_not_asked_for(launch):
    launch(secure_proxy=False, require_certificate=True, cert_path="/there/is/none")
