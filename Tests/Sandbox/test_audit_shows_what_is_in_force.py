"""`routing-sidecar audit`: what the kernel says of each process, compared with its rights."""

import os
import subprocess

import pytest
from audit_support import BUILD, Installed, installed, need_root, root_start, root_start_in_a_pod, row, rows, wider
from audit_support import restricted_pod  # noqa: F401

CHILDREN = {"dialer": "10002", "proxy": "10003", "admin": "10005"}


@pytest.fixture(scope="module")
def tampered():
    yield from installed(0o777, "--sandbox=off", "--require-sandbox=off")


def test_an_installed_sidecar_has_nothing_wider_than_declared(root_start):
    done = root_start.audit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is wider than declared" in done.stdout


def test_every_process_has_its_own_user_and_walls_after_a_root_start(root_start):
    report = root_start.audit_json()
    base = int(row(report, "supervisor", "Seccomp filters")["value"])
    for name, user in CHILDREN.items():
        assert row(report, name, "uid")["value"] == user
        for fact in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb", "groups"):
            assert row(report, name, fact)["value"] == "none", (name, fact)
        assert row(report, name, "NoNewPrivs")["value"] == "1"
        assert int(row(report, name, "Seccomp filters")["value"]) == base + 1
        assert row(report, name, "dumpable")["value"] == "no"
        assert row(report, name, "environment")["value"] == "empty"
        assert row(report, name, "arguments")["value"] == name
        assert row(report, name, "program file")["value"] == "0711, owner 0"
        assert row(report, name, "namespaces")["value"] == "the supervisor's"
        assert row(report, name, "Landlock")["source"] == "self-report"


def test_the_values_are_those_of_proc(root_start):
    report = root_start.audit_json()
    for name in CHILDREN:
        pid = row(report, name, "uid")["pid"]
        with open(f"/proc/{pid}/status") as status:
            lines = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        assert row(report, name, "Seccomp filters")["value"] == lines["Seccomp_filters"]
        assert row(report, name, "uid")["value"] == lines["Uid"].split()[0]
        seen = {int(r["fact"].split()[1]) for r in report["rows"] if r["pid"] == pid and r["fact"].startswith("fd ")}
        assert seen == {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}


def test_every_descriptor_is_named_with_its_ends(root_start):
    report = root_start.audit_json()
    values = [r["value"] for r in report["rows"] if r["process"] == "proxy" and r["fact"].startswith("fd ")]
    assert sum("LISTEN" in value and value.startswith("tcp 127.0.0.1:") for value in values) == 2, values
    assert row(report, "proxy", "listening sockets")["verdict"] == "ok"
    assert row(report, "proxy", "channels")["verdict"] == "ok"
    assert not any(value.startswith("socket:[") for value in values), values
    assert any(r["value"].startswith("/memfd:status") and "sealed" in r["value"] for r in report["rows"])


def test_a_tampered_sidecar_is_wider_and_the_exit_code_says_so(tampered):
    done = tampered.audit()
    assert done.returncode == 1, done.stdout + done.stderr
    report = tampered.audit_json()
    found = wider(report)
    for name in CHILDREN:
        for fact in ("uid", "CapEff", "Seccomp", "Landlock", "program file", "arguments"):
            assert (name, fact) in found, (name, fact)
        assert "make install" in row(report, name, "program file")["note"]


def test_readable_programs_are_wider(root_start):
    os.chmod(root_start.folder / "routing-sidecar-proxy", 0o755)
    try:
        report = root_start.audit_json()
    finally:
        os.chmod(root_start.folder / "routing-sidecar-proxy", 0o711)
    assert wider(report) == {("proxy", "program file"), ("admin", "program file")}


def test_a_replaced_program_is_wider(root_start):
    path = root_start.folder / "routing-sidecar-dialer"
    moved = path.with_name("moved")
    path.rename(moved)
    try:
        report = root_start.audit_json()
    finally:
        moved.rename(path)
    assert ("dialer", "program") in wider(report)


def test_in_a_restricted_pod_the_rest_is_said_to_be_hidden(restricted_pod):  # noqa: F811
    report = restricted_pod.audit_json()
    assert report["ok"], wider(report)
    assert "restricted" in report["host"]["mode"]
    for name in CHILDREN:
        assert row(report, name, "uid")["value"] == "65532"
        assert row(report, name, "dumpable")["value"] == "no"
        assert row(report, name, "Seccomp filters")["verdict"] == "ok"
        assert row(report, name, "Seccomp filters")["source"] == "kernel"
        for fact in ("namespaces", "environment", "executable memory"):
            hidden = row(report, name, fact)
            assert (hidden["source"], hidden["verdict"]) == ("not visible here", "unknown")
        assert row(report, name, "descriptors")["source"] == "self-report"
        assert not rows(report, name, "fd 0")


def test_root_without_sys_ptrace_is_told_what_it_cannot_see(root_start_in_a_pod):
    report = root_start_in_a_pod.audit_json()
    assert report["ok"], wider(report)
    assert "root start" in report["host"]["mode"]
    for name, user in CHILDREN.items():
        assert row(report, name, "uid")["value"] == user
        assert row(report, name, "descriptors")["source"] == "self-report"


def test_markdown_has_the_host_first_and_a_table_for_each_process(root_start):
    done = root_start.audit("--markdown")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert text.startswith("# routing-sidecar: audit\n")
    assert text.index("## Host") < text.index("## In force") < text.index("### supervisor")
    for word in ("kernel", "Landlock ABI", "mode", "date"):
        assert f"| {word} |" in text
    for name in CHILDREN:
        assert f"### {name}, pid " in text


def test_explain_prints_every_role():
    def explain(name):
        return subprocess.run(
            [str(BUILD / "routing-sidecar"), "audit", "--explain", name], capture_output=True, text=True, timeout=30
        )

    for name in ("supervisor", "watcher", "dialer", "proxy", "admin", "resolver", "kv-agent"):
        done = explain(name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{name}: ")
        assert "seccomp" in done.stdout
    assert "(2, " not in explain("dialer").stdout and "IPv4" in explain("dialer").stdout
    wrong = explain("burglar")
    assert wrong.returncode == 64
    assert "accepted: supervisor" in wrong.stderr


def test_without_a_sidecar_the_audit_says_so():
    need_root()
    sidecar = Installed()
    try:
        done = sidecar.audit()
        assert done.returncode == 69
        assert "no sidecar answers" in done.stderr
    finally:
        sidecar.stop()
