"""With TLS there is a signer: in `status`, behind walls of its own. Without TLS there is none."""

import os
import pathlib
import re

import pytest

from harness import run


def test_status_shows_it(secure):
    rows = {row["name"]: row for row in secure.status()["components"]}
    assert set(rows) == {"dialer", "proxy", "admin", "signer"}
    assert rows["signer"]["ready"] is True
    assert "signer" in run("status", "--control-socket", secure.control_socket).stdout


def test_without_tls_there_is_none(sidecar):
    assert "signer" not in {row["name"] for row in sidecar.status()["components"]}


def test_with_upstream_certificates_alone_there_is_one(launch, certificates):
    sidecar = launch(upstream_cert_path=certificates.directory("sidecar"), decoder_use_tls=False, prefiller_use_tls=True,
                     ca_cert_path=certificates.ca)
    assert sidecar.component("signer")["ready"] is True


def test_it_lives_behind_walls(secure):
    status = pathlib.Path(f"/proc/{secure.component_pid('signer')}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT CHECKED: another process's descriptors are root's to see")
def test_nobody_keeps_the_file_open(secure):
    for name in ("proxy", "dialer", "admin", "signer"):
        links = [os.readlink(link) for link in pathlib.Path(f"/proc/{secure.component_pid(name)}/fd").iterdir()]
        assert not [link for link in links if "tls.key" in link], (name, links)


def test_the_audit_finds_nothing_that_was_not_declared(secure):
    """The files of a build are readable, those of an installation are not: that apart."""
    out = run("audit", "--control-socket", secure.control_socket).stdout
    assert "signer, pid" in out
    wider = [line for line in out.splitlines() if re.match(r"  \S.*  wider  ", line) and "program file" not in line]
    assert wider == []
