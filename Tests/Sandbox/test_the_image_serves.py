"""The image of `make image`: whole, repeatable, with nothing in it that isn't needed, and it serves in a restricted pod."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import pytest
from policy_support import BUILD, HERE, compiled, house, need_root, not_checked

MAKER = HERE.parents[1] / "scripts" / "make-image.py"


@pytest.fixture(scope="module")
def image():
    """The archive's directory, readable for everybody."""
    with tempfile.TemporaryDirectory(prefix="image") as folder:
        os.chmod(folder, 0o755)
        archive = pathlib.Path(folder) / "image.tar"
        made = subprocess.run([sys.executable, str(MAKER), str(BUILD), str(archive)], capture_output=True, text=True,
                              env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"})
        assert made.returncode == 0, made.stderr
        with tarfile.open(archive) as tar:
            tar.extractall(pathlib.Path(folder) / "layout")
        yield pathlib.Path(folder)


def blob(layout, descriptor):
    content = (layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
    assert len(content) == descriptor["size"]
    assert "sha256:" + hashlib.sha256(content).hexdigest() == descriptor["digest"]
    return content


def layer_of(image):
    layout = image / "layout"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(layout, index["manifests"][0]))
    config = json.loads(blob(layout, manifest["config"]))
    [layer] = manifest["layers"]
    path = layout / "blobs" / "sha256" / layer["digest"].removeprefix("sha256:")
    blob(layout, layer)
    return config, path


@pytest.fixture(scope="module")
def root(image):
    _, layer = layer_of(image)
    target = image / "root"
    with tarfile.open(layer) as tar:
        tar.extractall(target)
    return target


def test_its_parts_fit_together(image):
    layout = image / "layout"
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    config, layer = layer_of(image)
    unpacked = subprocess.run(["gzip", "-dc", layer], capture_output=True, check=True).stdout
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(unpacked).hexdigest()]
    assert config["config"]["Entrypoint"] == ["/usr/local/bin/routing-sidecar"]
    assert config["config"]["User"] == "65532:65532"
    [older] = json.loads((layout / "manifest.json").read_text())
    assert layout / older["Layers"][0] == layer and (layout / older["Config"]).exists()


def test_it_holds_nothing_to_start_but_the_sidecar(image):
    _, layer = layer_of(image)
    with tarfile.open(layer) as tar:
        members = tar.getmembers()
    assert all(member.uid == member.gid == 0 and member.mtime == 1700000000 for member in members)
    assert not [member.name for member in members if member.mode & 0o7000 and member.name != "tmp"]
    assert not [member.name for member in members if member.isreg() and member.mode & 0o022]
    started = {member.name for member in members
               if member.isreg() and member.mode & 0o111 and not member.name.startswith("usr/lib")}
    assert started == {f"usr/local/bin/{path.name}" for path in BUILD.glob("routing-sidecar*")
                       if path.is_file() and path.name != "routing-sidecar-demo"}
    assert all(member.mode == 0o711 for member in members if member.name in started)


def test_two_of_one_build_are_the_same(image):
    again = image / "again.tar"
    subprocess.run([sys.executable, str(MAKER), str(BUILD), str(again)], check=True, capture_output=True,
                   env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"})
    assert again.read_bytes() == (image / "image.tar").read_bytes()


def test_it_serves_in_a_restricted_pod_and_the_audit_agrees(root, tmp_path):
    need_root("the image in a restricted pod made by the test")
    launcher = compiled("restricted_pod.c", tmp_path / "restricted_pod")
    pod = [str(launcher), "--root", str(root)]
    program = "/usr/local/bin/routing-sidecar"
    tried = subprocess.run([*pod, program, "--version"], capture_output=True, text=True, timeout=20)
    if "restricted_pod:" in tried.stderr:
        not_checked(f"the image in a restricted pod made by the test: {tried.stderr.strip()}")
    assert tried.returncode == 0, tried.stderr
    with house("/usr/local/bin", wrapper=pod) as running:
        running.works()
        assert running.metrics()["sidecar_sandbox_missing_walls"] == 0
        audit = subprocess.run([*pod, program, "audit", "--control-socket", running.control], capture_output=True,
                               text=True, timeout=30)
        assert audit.returncode == 0, audit.stdout + audit.stderr
