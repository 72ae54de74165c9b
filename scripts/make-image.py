#!/usr/bin/env python3
"""Makes a container image of the built executables, without a container engine and without a base image.

    make-image.py BUILD OUTPUT.tar [--tag NAME:VERSION]

In it are the executables, the libraries they link (as the packages of this machine have them), the authorities' certificates
that upstreams are checked against, and nothing else: no shell, no package manager, nothing that a process taken over could
start. Scanners find the packages under /var/lib/dpkg/status.d, their licenses under /usr/share/doc.

The archive is an OCI layout that `docker load` and `podman load` take too. The same build on the same packages gives the
same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import time

EXECUTABLES = (
    "routing-sidecar", "routing-sidecar-watcher", "routing-sidecar-dialer", "routing-sidecar-proxy",
    "routing-sidecar-kv-agent", "routing-sidecar-signer", "routing-sidecar-resolver", "routing-sidecar-probe")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
USER = 65532  # Neither root's nor anybody's in a pod; as deploy/deployment.yaml sets it.


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(executable):
    """Where the loader finds what an executable links."""
    listed = output("ldd", str(executable))
    if "not found" in listed:
        sys.exit(f"{executable} links what isn't installed:\n{listed}")
    return set(re.findall(r"(/\S+) \(0x", listed))


def merged(path):
    """Debian has /lib and /lib64 as links into /usr; so has the image."""
    return "/usr" + path if re.match(r"/lib(64)?/", path) else path


def package_of(path):
    """The Debian package that a file came with; None for one that no package has."""
    for candidate in (path, path.removeprefix("/usr"), os.path.realpath(path)):
        found = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(": ")[0].split(",")[0]
    return None


class Layer:
    """A file system as a tar archive: sorted, of one time, all of it root's."""

    def __init__(self, written):
        self.written = written
        self.entries = {}

    def add(self, path, content=b"", mode=0o644, link=None, kind=tarfile.REGTYPE):
        for parent in pathlib.PurePosixPath(path).parents:
            name = str(parent).strip("/")
            if name not in ("", ".") and name not in self.entries:
                self.entries[name] = (tarfile.DIRTYPE, 0o755, None, b"")
        self.entries[path.strip("/")] = (kind if link is None else tarfile.SYMTYPE, mode, link, content)

    def archive(self):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, (kind, mode, link, content) in sorted(self.entries.items()):
                member = tarfile.TarInfo(name)
                member.type, member.mode, member.linkname, member.mtime = kind, mode, link or "", self.written
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return stream.getvalue()


def file_system(build, written):
    layer = Layer(written)
    for link in ("lib", "lib64"):
        layer.add(link, mode=0o777, link=f"usr/{link}")
    layer.add("tmp", mode=0o1777, kind=tarfile.DIRTYPE)
    for mount in ("dev", "proc", "sys", "etc/sidecar/certs"):
        layer.add(mount, mode=0o755, kind=tarfile.DIRTYPE)
    layer.add("etc/passwd", f"root:x:0:0::/:/none\nsidecar:x:{USER}:{USER}::/:/none\n".encode())
    layer.add("etc/group", f"root:x:0:\nsidecar:x:{USER}:\n".encode())

    linked = set()
    with tempfile.TemporaryDirectory() as folder:
        for name in EXECUTABLES:
            source = pathlib.Path(build) / name
            if not source.exists():
                sys.exit(f"{source} is not there: `make build` first")
            linked |= libraries(source)
            stripped = pathlib.Path(folder) / name
            subprocess.run(["strip", "-s", "-o", stripped, source], check=True)
            layer.add(f"usr/local/bin/{name}", stripped.read_bytes(), mode=0o711)
    packages = set()
    for path in sorted(linked):
        layer.add(merged(path), pathlib.Path(path).read_bytes(), mode=0o755)
        packages.add(package_of(path))
    if os.path.exists(AUTHORITIES):
        layer.add(AUTHORITIES, pathlib.Path(AUTHORITIES).read_bytes())
        packages.add("ca-certificates")
    else:
        print(f"{AUTHORITIES} is not there: in this image, upstreams over TLS need --ca-cert-path", file=sys.stderr)
    for package in sorted(packages - {None}):
        name = package.split(":")[0]
        layer.add(f"var/lib/dpkg/status.d/{name}", output("dpkg-query", "-s", package).encode())
        license_of = pathlib.Path("/usr/share/doc") / name / "copyright"
        if license_of.exists():
            layer.add(str(license_of), license_of.read_bytes())
    return layer.archive()


def pieces(build, tag, written):
    """Files of the layout by their names."""
    files = {}

    def blob(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    def text(document):
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    tree = file_system(build, written)
    layer = blob(gzip.compress(tree, mtime=0), "layer.v1.tar+gzip")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(written))
    config = blob(text({
        "created": moment, "os": "linux", "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "config": {
            "User": f"{USER}:{USER}", "WorkingDir": "/", "Env": ["PATH=/usr/local/bin"],
            "Entrypoint": ["/usr/local/bin/routing-sidecar"],
            "ExposedPorts": {"8000/tcp": {}, "9464/tcp": {}},
            "Labels": {"org.opencontainers.image.title": "routing-sidecar",
                       "org.opencontainers.image.version": tag.rpartition(":")[2]},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tree).hexdigest()}"]},
        "history": [{"created": moment, "created_by": "scripts/make-image.py"}],
    }), "config.v1+json")
    manifest = blob(text({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer],
    }), "manifest.v1+json")
    named = manifest | {"annotations": {
        "org.opencontainers.image.ref.name": tag.rpartition(":")[2], "io.containerd.image.name": tag}}
    files["index.json"] = text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                "manifests": [named]})
    files["oci-layout"] = text({"imageLayoutVersion": "1.0.0"})
    # What `docker load` of before version 25 looks for.
    files["manifest.json"] = text([{
        "Config": "blobs/sha256/" + config["digest"][7:], "RepoTags": [tag],
        "Layers": ["blobs/sha256/" + layer["digest"][7:]]}])
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("output")
    parser.add_argument("--tag")
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.build) / "routing-sidecar"
    if not program.exists():
        sys.exit(f"{program} is not there: `make build` first")
    version = re.search(r"\d+\.\d+\.\d+\S*", output(str(program), "--version"))[0]
    tag = arguments.tag or f"routing-sidecar:{version}"
    # The time of everything in it; the newest commit's, so that a build can be repeated.
    committed = subprocess.run(["git", "-C", str(pathlib.Path(__file__).parent), "log", "-1", "--format=%ct"],
                               capture_output=True, text=True).stdout.strip()
    written = int(os.environ.get("SOURCE_DATE_EPOCH") or committed or 0)
    layer = Layer(written)
    for name, content in pieces(arguments.build, tag, written).items():
        layer.add(name, content)
    target = pathlib.Path(arguments.output)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(layer.archive())
    partial.replace(target)
    print(f"{target}: {tag}, {target.stat().st_size / 1e6:.1f} MB")
    print(f"load it with `docker load -i {target}` or `podman load -i {target}`, or copy it with"
          f" `skopeo copy oci-archive:{target} docker://REGISTRY/{tag}`")


if __name__ == "__main__":
    main()
