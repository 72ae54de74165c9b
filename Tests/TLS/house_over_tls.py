"""The sidecar over TLS, for the checks at full size: Tests/Chaos/house.py with a certificate directory."""

import os
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

from house import House, open_descriptors  # noqa: E402
from report import NotChecked, Report  # noqa: E402
from support.sidecar import resident  # noqa: E402

__all__ = ["HouseOverTLS", "NotChecked", "Report", "certificate_directory", "open_descriptors", "resident", "swap"]


def write_pair(folder, pki, name, key=None):
    for source, target in ((f"{name}.crt", "tls.crt"), (f"{key or name}.key", "tls.key")):
        shutil.copyfile(pki / source, folder / target)
        os.chmod(folder / target, 0o644)


def certificate_directory(folder, pki, name):
    """As the kubelet makes it: files that are links into a directory behind a link."""
    folder.mkdir()
    swap(folder, pki, name)
    for file in ("tls.crt", "tls.key"):
        (folder / file).symlink_to(f"..data/{file}")
    return folder


def swap(folder, pki, name, key=None):
    """Both files change in one step."""
    fresh = pathlib.Path(tempfile.mkdtemp(prefix="..", dir=folder))
    os.chmod(fresh, 0o755)
    write_pair(fresh, pki, name, key)
    data, link = folder / "..data", folder / "..data_tmp"
    old = folder / os.readlink(data) if data.is_symlink() else None
    link.symlink_to(fresh.name)
    link.rename(data)
    if old:
        shutil.rmtree(old)


class HouseOverTLS(House):
    """One running sidecar that shows the certificate `name`; its directory is `certificates`."""

    def __init__(self, decoder_port, pki, name, **flags):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="sctls"))
        os.chmod(self.scratch, 0o755)
        self.pki = pki
        self.certificates = certificate_directory(self.scratch / "certificates", pki, name)
        own = {"secure_proxy": True, "cert_path": self.certificates, "log_level": None, "upstream_idle_timeout": None}
        super().__init__(decoder_port, **own | flags)

    def end(self):
        super().end()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def swap(self, name, key=None):
        swap(self.certificates, self.pki, name, key)

    def everybody(self):
        """Name to pid, the supervisor's too."""
        return {"supervisor": self.pid} | self.pids()

    def tls_metric(self, name, **labels):
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        return self.metrics().get(f"{name}{{{wanted}}}" if wanted else name, 0)
