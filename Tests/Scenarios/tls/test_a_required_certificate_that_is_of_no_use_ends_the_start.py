"""--require-certificate: no usable pair, no start; exit 81, and the reason is told."""

import concurrent.futures
import json
import re

import pytest

import causes
from harness import as_arguments, free_port, run

CERTIFICATE = 81

REASONS = {
    causes.encrypted: "encrypted|password", causes.expired: "expired", causes.not_yet_valid: "not (yet valid|valid yet)",
    causes.mismatched: "mismatch|not the certificate's|does not belong", causes.no_key: "tls.key",
    causes.no_certificate: "tls.crt",
    causes.with_the_key: "tls.crt holds a private key",
}


def arguments(path):
    own = {
        "secure_proxy": True, "cert_path": path, "require_certificate": True, "port": free_port(), "vllm_port": free_port(),
        "listen_address": "127.0.0.1", "admin_address": "127.0.0.1", "admin_port": free_port(), "control_socket": "off",
    }
    return as_arguments(own)


@pytest.fixture(scope="module")
def starts(certificates):
    """All at once: files that are missing are waited for."""
    paths = {cause: cause(certificates) for cause in causes.ALL}
    # Ports first: a child that is being forked holds the socket that a port was tried with.
    ready = {cause: arguments(path) for cause, path in paths.items()}
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        running = {cause: pool.submit(run, *given) for cause, given in ready.items()}
        return {cause: (paths[cause], future.result()) for cause, future in running.items()}


@pytest.mark.parametrize("cause", causes.ALL, ids=lambda cause: cause.__name__)
def test_it_does(starts, cause):
    path, done = starts[cause]
    assert done.returncode == CERTIFICATE, done
    assert str(path) in done.stderr and "signs itself" not in done.stderr, done.stderr
    for line in done.stderr.splitlines():
        json.loads(line)


@pytest.mark.parametrize("cause", REASONS, ids=lambda cause: cause.__name__)
def test_it_says_why(starts, cause):
    _, done = starts[cause]
    assert re.search(REASONS[cause], done.stderr), done.stderr


def test_a_good_one_starts(launch_tls):
    with launch_tls(require_certificate=True).connect() as client:
        assert client.ask().status == 200


def test_without_tls_it_is_not_asked_for(launch):
    launch(secure_proxy=False, require_certificate=True, cert_path="/there/is/none")
