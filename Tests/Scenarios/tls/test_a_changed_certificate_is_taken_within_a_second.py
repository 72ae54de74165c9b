"""The kubelet's swap, writing in place, a directory that appears, HUP: new connections see the new certificate, open ones
notice nothing, and what is broken is refused while the old pair goes on."""

import json
import shutil
import signal
import ssl
import time

import pytest

from causes import BROKEN, mismatched, no_key
from harness import STREAMED, CHAT, Stepwise, request, wait_for
from support.certificates import Volume

# The promise is one second; a busy machine is given more.
SOON = 5


def serial(sidecar, context=None):
    with sidecar.connect(context) as client:
        assert client.ask().status == 200
        return client.serial


def shows(sidecar, certificates, name):
    wait_for(lambda: serial(sidecar) == certificates.serial(name), f"the certificate {name} to be shown", SOON)


def reloads(sidecar, result):
    return sidecar.metric("sidecar_certificate_reloads_total", result=result)


def errors(sidecar):
    return [line for line in map(json.loads, list(sidecar.log_lines)) if line["level"] == "error"]


def by_swap(certificates):
    volume = Volume(certificates, "p256")
    return volume.path, lambda name, key=None: volume.swap(name, key)


def in_place(certificates):
    path = certificates.new_directory("p256")
    return path, lambda name, key=None: certificates.write(path, name, key)


def by_rename(certificates):
    """As certificate tools on hosts do it: each file by itself."""
    path = certificates.new_directory("p256")

    def change(name, key=None):
        fresh = certificates.new_directory(name, key)
        (fresh / "tls.key").rename(path / "tls.key")
        (fresh / "tls.crt").rename(path / "tls.crt")

    return path, change


@pytest.mark.parametrize("way", [by_swap, in_place, by_rename])
def test_it_is(launch_tls, certificates, way):
    path, change = way(certificates)
    sidecar = launch_tls(cert_path=path)
    sidecar.decoder.script = stream = Stepwise(patience=40)
    with sidecar.connect() as streaming, sidecar.connect() as idle:
        streaming.send(request("POST", CHAT, body=STREAMED))
        streaming.read_until(b"\r\n\r\n")
        sidecar.decoder.wait_for_requests(1)
        sidecar.decoder.script = sidecar.decoder.default_script
        assert idle.ask().status == 200
        for turn, name in enumerate(["second", "rsa", "p256"]):
            change(name)
            shows(sidecar, certificates, name)
            stream.step(f"event-{turn}")
            assert f"event-{turn}".encode() in streaming.read_until(b"\n\n")
            assert idle.ask().status == 200 and idle.serial == certificates.serial("p256")
        stream.finish()
        assert b"[DONE]" in streaming.read_until(b"0\r\n\r\n")
    wait_for(lambda: reloads(sidecar, "taken") == 3, "all to be counted", 5)


@pytest.mark.parametrize("way", [by_swap, in_place])
def test_hup_has_it_looked_at(launch_tls, certificates, way):
    path, change = way(certificates)
    sidecar = launch_tls(cert_path=path)
    change("second")
    sidecar.signal(signal.SIGHUP)
    shows(sidecar, certificates, "second")


def test_hup_has_what_was_refused_judged_again(launch_tls, certificates):
    """What the folder's changes don't tell of: it is told again, and only then."""
    path = certificates.new_directory("p256")
    sidecar = launch_tls(cert_path=path)
    broken = mismatched(certificates)
    for file in ("tls.key", "tls.crt"):
        shutil.copy(broken / file, path / file)
    for times in (1, 2, 3):
        wait_for(lambda: reloads(sidecar, "refused") == times, "the pair to be refused", SOON)
        time.sleep(0.6)
        assert reloads(sidecar, "refused") == times
        sidecar.signal(signal.SIGHUP)


def test_hup_alone_changes_nothing(launch_tls, certificates):
    sidecar = launch_tls()
    with sidecar.connect() as client:
        client.ask()
        for _ in range(3):
            sidecar.signal(signal.SIGHUP)
            time.sleep(0.1)
        assert client.ask().status == 200
    assert serial(sidecar) == certificates.serial("p256") and reloads(sidecar, "refused") == 0


@pytest.mark.parametrize("cause", [*BROKEN, no_key], ids=lambda cause: cause.__name__)
def test_a_broken_pair_is_refused(launch_tls, certificates, cause):
    volume = Volume(certificates, "p256")
    sidecar = launch_tls(cert_path=volume.path)
    broken = cause(certificates)
    target = volume.path / "..broken"
    shutil.copytree(broken, target)
    (volume.path / "..data_tmp").symlink_to("..broken")
    (volume.path / "..data_tmp").rename(volume.path / "..data")
    wait_for(lambda: reloads(sidecar, "refused") >= 1, "the pair to be refused", SOON)
    assert serial(sidecar) == certificates.serial("p256")
    assert any("certificate" in json.dumps(line) for line in errors(sidecar)), sidecar.log_text()
    assert reloads(sidecar, "taken") == 0 and sidecar.metric("sidecar_certificate_self_signed") == 0
    volume.swap("second")
    shows(sidecar, certificates, "second")


def test_a_directory_that_appears_is_taken(launch_tls, certificates, tmp_path):
    path = certificates.new_directory() / "later"
    sidecar = launch_tls(cert_path=path)
    assert sidecar.metric("sidecar_certificate_self_signed") == 1
    ready = certificates.new_directory("p256")
    ready.rename(path)
    wait_for(lambda: sidecar.metric("sidecar_certificate_self_signed") == 0, "the certificate to be taken", SOON)
    assert serial(sidecar) == certificates.serial("p256")


def test_files_that_appear_are_taken(launch_tls, certificates):
    path = certificates.new_directory()
    sidecar = launch_tls(cert_path=path)
    certificates.write(path, "second")
    wait_for(lambda: sidecar.metric("sidecar_certificate_self_signed") == 0, "the certificate to be taken", SOON)
    assert serial(sidecar) == certificates.serial("second")


def test_a_directory_that_goes_away_changes_nothing(launch_tls, certificates):
    path = certificates.new_directory("p256")
    sidecar = launch_tls(cert_path=path)
    path.rename(path.with_suffix(".gone"))
    time.sleep(0.5)
    sidecar.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert serial(sidecar) == certificates.serial("p256")
    certificates.write(path.with_suffix(".gone"), "second")
    path.with_suffix(".gone").rename(path)
    shows(sidecar, certificates, "second")


def test_the_expiry_is_that_of_the_new_one(launch_tls, certificates):
    path, change = in_place(certificates)
    sidecar = launch_tls(cert_path=path)
    change("second")
    shows(sidecar, certificates, "second")
    with sidecar.connect() as client:
        end = ssl.cert_time_to_seconds(client.sock.getpeercert()["notAfter"])
    wait_for(lambda: sidecar.metric("sidecar_certificate_expiry_timestamp_seconds", use="serving") == end, "the expiry", 5)


def test_sessions_of_before_are_no_error(launch_tls, certificates):
    path, change = by_swap(certificates)
    sidecar = launch_tls(cert_path=path)
    with sidecar.connect() as client:
        client.ask()
        session = client.session
    change("second")
    shows(sidecar, certificates, "second")
    with sidecar.connect(session=session) as client:
        assert client.ask().status == 200


def test_a_new_proxy_shows_the_new_one(launch_tls, certificates):
    path, change = by_swap(certificates)
    sidecar = launch_tls(cert_path=path)
    change("second")
    shows(sidecar, certificates, "second")
    proxy = sidecar.component_pid("proxy")
    sidecar.signal(signal.SIGUSR2)
    sidecar.wait_for_new("proxy", proxy)
    wait_for(lambda: not sidecar.component("proxy", "draining"), "the old proxy to end")
    assert {serial(sidecar) for _ in range(5)} == {certificates.serial("second")}
