"""`routing-sidecar audit --probe`: twins of the processes attack from behind the same walls."""

import os

import pytest
from audit_support import attacks, restricted_pod, root_start, root_start_in_a_pod, row, wider  # noqa: F401

# What a process may do of all that is tried, by its declared rights.
SHARED_LISTENER = {"shut the shared listener down", "make all answers end in a reset"}
CONNECTING = {
    "make a TCP socket", "connect to the API server", "connect to 169.254.169.254", "connect outside the allowlist",
}  # fmt: skip
MEMBER = {"ask the dialer for a member of the allowlist"}
ALLOWED = {
    "proxy": SHARED_LISTENER | MEMBER,
    "admin": set(),
    "dialer": CONNECTING,
    # The watcher is lent no listener; its sockets are libcurl's to set up.
    "watcher": CONNECTING
    | {"make a file in memory", "shut the shared listener down", "make the shared listener block"},
    "resolver": CONNECTING | {"make a UDP socket"},
    # It is lent no listener either; its sockets have no flags, and Landlock leaves it the ports of agents.
    "kv-agent": {"shut the shared listener down", "make the shared listener block"},
}
SECCOMP = ("seccomp kill", "seccomp report")


@pytest.fixture(scope="module", params=["root_start", "restricted_pod", "root_start_in_a_pod"])
def probed(request):
    """The report of a probe in each mode; after it the sidecar must be as it was."""
    sidecar = request.getfixturevalue(request.param)
    before = {r["pid"] for r in sidecar.audit_json()["rows"]}
    report = sidecar.audit_json("--probe")
    assert sidecar.process.poll() is None, sidecar.text()
    assert {r["pid"] for r in sidecar.audit_json()["rows"]} == before, sidecar.text()
    return request.param, report


def test_nothing_undeclared_goes_through(probed):
    mode, report = probed
    assert report["ok"], (mode, [r for r in report["probe"] if r["verdict"] == "wider"], wider(report))


def test_every_attack_has_an_answer(probed):
    _, report = probed
    assert [r for r in report["probe"] if r["verdict"] == "unknown"] == []
    counts = {name: len(attacks(report, name)) for name in ALLOWED}
    assert min(counts.values()) >= 60, counts


@pytest.mark.parametrize("name", ALLOWED)
def test_exactly_what_is_declared_is_allowed(probed, name):
    _, report = probed
    found = {words for words, r in attacks(report, name).items() if r["result"] == "ALLOWED"}
    assert found == ALLOWED[name]


def test_the_dangerous_attacks_on_proxy_and_dialer_end_at_seccomp(probed):
    _, report = probed
    for name in ("proxy", "dialer"):
        for words, r in attacks(report, name).items():
            # Where no TCP socket is missing, Landlock answers for other families.
            if r["result"] == "denied" and not words.startswith(("ask the dialer", "connect to an abstract")):
                assert r["denied_by"] in SECCOMP, (name, words, r)


def test_a_control_twin_shows_that_the_attack_would_have_worked(probed):
    """Without any wall these go through, so that their denial is the walls' doing."""
    _, report = probed
    found = attacks(report, "proxy")
    for words in ("read the service account's token", "read /etc/passwd", "create and write a file", "run a shell"):
        assert found[words]["behind"] == "Landlock", found[words]
    for words in ("make a TCP socket", "make a UDP socket", "fork", "map memory as code", "sendmmsg"):
        if words in found:
            assert found[words]["behind"] == "", found[words]


def test_the_dialer_refuses_what_a_proxy_must_not_reach(probed):
    mode, report = probed
    found = attacks(report, "proxy")
    assert found["ask the dialer for the API server, which the allowlist names"]["denied_by"].startswith("dialer (")
    assert found["ask the dialer for an address outside the allowlist"]["denied_by"] == "dialer (not_in_pool)"
    metadata = "ask the dialer for 169.254.169.254, which the allowlist names"
    if mode == "root_start":
        assert found[metadata]["denied_by"] == "dialer (forbidden_address)"
    else:
        assert metadata not in found
        assert any("NOT CHECKED" in note for note in report["probe_notes"])


def test_landlock_has_a_witness(probed):
    _, report = probed
    for name in ("dialer", "proxy", "admin"):
        witness = row(report, name, "Landlock")
        assert (witness["source"], witness["verdict"]) == ("probe", "ok")


def test_siblings_that_share_a_user_are_kept_apart(probed):
    mode, report = probed
    found = attacks(report, "proxy")
    expected = "Landlock" if mode == "restricted_pod" else "Landlock, DAC/uid"
    assert found["signal a sibling"]["behind"] in (expected, "DAC/uid"), found["signal a sibling"]
    for words in ("read a sibling's environment", "trace a sibling", "take a sibling's descriptor"):
        assert found[words]["behind"] == "DAC/uid", found[words]


def test_the_probe_leaves_nothing_behind(probed):
    left = [name for folder in ("/tmp", "/dev/shm") for name in os.listdir(folder) if name.startswith("routing-sidecar-probe")]
    assert left == []
