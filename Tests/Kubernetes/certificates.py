"""Certificate authorities and server certificates, made by the openssl command line. Elliptic keys: fast to make."""

import pathlib
import subprocess

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}"


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, directory, name="kubernetes"):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True)
        self.certificate = self.directory / "ca.crt"
        self.key = self.directory / "ca.key"
        self.made = 0
        openssl(
            "req", "-x509", *KEY, "-keyout", self.key, "-out", self.certificate, "-days", 30, "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,digitalSignature")

    @property
    def pem(self):
        return self.certificate.read_bytes()

    def server(self, names="IP:127.0.0.1,IP:::1,DNS:localhost", days=30):
        """Paths of a server's certificate and key. A negative number of days makes one that has expired."""
        self.made += 1
        stem = self.directory / f"server{self.made}"
        request, certificate, key = (stem.with_suffix(end) for end in (".csr", ".crt", ".key"))
        extensions = stem.with_suffix(".ext")
        extensions.write_text(
            f"keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName={names}\n")
        openssl("req", "-new", *KEY, "-keyout", key, "-subj", "/CN=kube-apiserver", "-out", request)
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", days, "-sha256", "-extfile", extensions, "-out", certificate)
        return certificate, key
