"""Certificates of a scenario: made when they are first asked for, laid out as the sidecar finds them in a pod."""

import os
import pathlib
import shutil
import ssl
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "TLS"))

import pki  # noqa: E402

GATEWAY = "URI:spiffe://cluster.local/ns/llm/sa/gateway"

# Those that scenarios ask for by name; all others of pki.py's KEYS are plain leaves of that kind of key.
LEAVES = {
    "second": {}, "engine": {}, "gateway": {"names": GATEWAY},
    "stranger": {"names": "URI:spiffe://cluster.local/ns/llm/sa/stranger"},
    "service": {"names": "DNS:gateway.llm.svc"},
    "foreign": {"issuer": "other"}, "foreign-gateway": {"issuer": "other", "names": GATEWAY},
    "expired": {"days": -1}, "expired-gateway": {"days": -1, "names": GATEWAY}, "future": {"begins": 2},
    "name-only": {"names": "DNS:localhost"}, "address-only": {"names": "IP:127.0.0.1"},
    "elsewhere": {"names": "DNS:elsewhere.example,IP:192.0.2.1"},
    "prefill-0": {"names": "DNS:prefill-0.pool.svc"}, "wildcard": {"names": "DNS:*.pool.svc"},
    "second-loopback": {"names": "IP:127.0.0.2"}, "v6": {"names": "IP:::1"},
    "sidecar": {"names": "URI:spiffe://cluster.local/ns/llm/sa/sidecar"},
    "sidecar-2": {"names": "URI:spiffe://cluster.local/ns/llm/sa/sidecar-2"},
    "big": {"kind": "rsa"},
}


class Certificates:
    """An authority `ca`, another one `other` that nobody trusts, and leaves by name."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scpki"))
        os.chmod(self.folder, 0o755)
        pki.authority(self.folder)
        pki.authority(self.folder, "other")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def ca(self):
        return self.folder / "ca.crt"

    @property
    def other_ca(self):
        return self.folder / "other.crt"

    def pair(self, name):
        """(certificate, key) as paths."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if not certificate.exists():
            if name == "self-signed":
                pki.self_signed(self.folder, name)
            elif name == "chained":
                pki.chained(self.folder, name)
            else:
                leaf = {"kind": name if name in pki.KEYS else "p256", "names": pki.NAMES} | LEAVES.get(name, {})
                pki.leaf(self.folder, name, **leaf)
        return certificate, key

    def serial(self, name):
        """As Python and openssl spell it."""
        return pki.openssl(self.folder, "x509", "-in", str(self.pair(name)[0]), "-noout", "-serial").strip()[7:]

    def directory(self, name):
        """A directory with tls.crt and tls.key, for flags."""
        path = self.folder / f"{name}-directory"
        if not path.exists():
            path.mkdir()
            self.write(path, name)
        return path

    def new_directory(self, certificate=None, key=None):
        """The same, the scenario's own; empty without a name."""
        path = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        os.chmod(path, 0o755)
        if certificate:
            self.write(path, certificate, key)
        return path

    def write(self, path, certificate, key=None):
        """In place; the key of another certificate on demand."""
        for source, name in ((self.pair(certificate)[0], "tls.crt"), (self.pair(key or certificate)[1], "tls.key")):
            (path / name).write_bytes(source.read_bytes())
            os.chmod(path / name, 0o644)

    # ---- what clients and servers of the scenario use

    def client(self, name=None, ca=None, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), protocols=("http/1.1",)):
        """A context that trusts `ca` and shows the certificate of that name."""
        context = ssl.create_default_context(cafile=str(ca or self.ca))
        context.minimum_version, context.maximum_version = versions
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if name:
            context.load_cert_chain(*map(str, self.pair(name)))
        return context

    def server(self, name="engine", client_ca=None, version=None):
        """A context that shows the certificate of that name, and demands one of clients where it is told whose."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.pair(name)))
        context.set_alpn_protocols(["http/1.1"])
        if version:
            context.minimum_version = context.maximum_version = version
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(client_ca))
        return context


class Volume:
    """A directory as the kubelet keeps a Secret in it: the files are links into `..data`, a link that is swapped."""

    def __init__(self, certificates, name):
        self.certificates = certificates
        self.path = certificates.new_directory()
        self.turn = 0
        self.swap(name)
        for file in ("tls.crt", "tls.key"):
            (self.path / file).symlink_to(f"..data/{file}")

    def swap(self, certificate, key=None):
        old = self.path / f"..version-{self.turn}"
        self.turn += 1
        new = self.path / f"..version-{self.turn}"
        new.mkdir()
        self.certificates.write(new, certificate, key)
        link = self.path / "..data_tmp"
        link.symlink_to(new.name)
        link.rename(self.path / "..data")
        shutil.rmtree(old, ignore_errors=True)
