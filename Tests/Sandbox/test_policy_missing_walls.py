"""A required wall that can't be put up ends the start with 78, and the message names wall, process and way out."""

import contextlib
import os
import shutil
import signal
import tempfile

import pytest
from policy_support import (
    compiled, free_port, house, installation, need_root, not_checked, run_to_end, state_and_session, wait_for,
)

MISSING_SANDBOX = 78
REQUIRED = "not started, because a required wall is missing: "
WAY_OUT = "--require-sandbox=off serves without it"


@contextlib.contextmanager
def refusing(**macros):
    """A launcher that refuses a call, where every user may execute it."""
    with tempfile.TemporaryDirectory(prefix="sandbox") as directory:
        os.chmod(directory, 0o755)
        yield [str(compiled("refusing.c", os.path.join(directory, "refusing"), **macros))]


@pytest.mark.parametrize("require", ["on", "all"])
@pytest.mark.parametrize("role", ["proxy", "admin", "dialer"])
def test_a_child_without_a_filter_of_its_own_ends_the_start(role, require):
    """The supervisor's own filter is inherited: `Seccomp: 2` alone would say nothing."""
    executable = "proxy" if role == "admin" else role
    with installation(**{executable: "BARE"}) as build:
        code, said = run_to_end(build=build, require_sandbox=require, admin_port=free_port())
    assert code == MISSING_SANDBOX, said
    assert "it has put up no seccomp filter of its own" in said and REQUIRED in said and WAY_OUT in said
    named = ("proxy", "admin") if executable == "proxy" else (role,)
    assert any(f"{REQUIRED}{name}: it has put up no seccomp filter" in said for name in named), said
    assert "a listening socket came" not in said
    assert '"message":"ready"' not in said


@pytest.mark.parametrize("role", ["proxy", "dialer"])
def test_a_child_whose_memory_siblings_could_read_ends_the_start(role):
    with installation(**{role: "DUMPABLE"}) as build:
        code, said = run_to_end(build=build, admin_port=free_port())
    assert code == MISSING_SANDBOX, said
    assert "it is dumpable: others of its user can read its memory" in said and REQUIRED in said and WAY_OUT in said
    assert "a listening socket came" not in said


def test_a_kv_agent_is_waited_for_although_nothing_else_needs_it():
    with installation(**{"kv-agent": "LATE"}) as build:
        code, said = run_to_end(build=build, kv_agent=True, kv_address="127.0.0.1", kv_port=free_port())
    assert code == MISSING_SANDBOX, said
    assert f"{REQUIRED}kv-agent: it has put up no seccomp filter" in said
    assert '"message":"ready"' not in said


def test_who_requires_nothing_is_served_and_told():
    with installation(dialer="BARE") as build, house(build, ready=False, require_sandbox="off") as running:
        wait_for(lambda: running.logged("dialer serves although its walls don't stand"), "the warning")
        wait_for(lambda: running.metrics().get("sidecar_wall_failures_total", 0) == 1, "the count")
        assert running.metrics()["sidecar_ipc_violations_total"] == 0
        assert running.process.poll() is None


def test_once_it_was_ready_a_child_without_its_walls_is_ended_and_nothing_else():
    with installation() as build, house(build) as running:
        old = running.row("dialer")["pid"]
        bare = compiled("stand_in.c", build / "bare", CASE="BARE")
        # Into the file that the supervisor holds open (it starts programs by descriptor), while nobody runs it.
        os.kill(running.process.pid, signal.SIGSTOP)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: state_and_session(old)[0] == "Z", "the end of the dialer")
        (build / "routing-sidecar-dialer").write_bytes(bare.read_bytes())
        os.kill(running.process.pid, signal.SIGCONT)
        ended = "dialer gets nothing to serve with: its walls don't stand"
        wait_for(lambda: running.logged(ended), "the end of it", 20)
        assert running.process.poll() is None
        assert not running.logged(REQUIRED)
        wait_for(lambda: running.metrics().get("sidecar_wall_failures_total", 0) >= 1, "the count")


@pytest.mark.parametrize("require", ["on", "all"])
def test_landlock_that_is_there_and_cannot_be_entered_ends_the_start(require):
    with refusing(CALL="SYS_landlock_restrict_self", ERROR="EPERM") as launcher:
        code, said = run_to_end(launcher, require_sandbox=require)
    assert code == MISSING_SANDBOX, said
    assert f"{REQUIRED}dialer: going behind Landlock failed (Operation not permitted)" in said and WAY_OUT in said


# CAP_KILL, which the supervisor keeps for itself and gives to no child; CAP_CHOWN, which nobody keeps.
@pytest.mark.parametrize("capability, whose", [
    (5, "dialer: giving up capabilities failed"), (0, "the supervisor: capabilities"),
])
def test_a_capability_that_cannot_be_given_up_ends_the_start(capability, whose):
    need_root("capabilities of a root start")
    with refusing(CALL="SYS_prctl", ERROR="EPERM", OPTION="24", VALUE=capability) as launcher:
        code, said = run_to_end(launcher)
    assert code == MISSING_SANDBOX, said
    assert REQUIRED + whose in said and "Operation not permitted" in said
    assert "--require-sandbox=off serves with" in said


@pytest.mark.parametrize("capability", ["setuid", "setgid", "setpcap", "kill"])
def test_root_without_one_of_four_capabilities_is_refused_where_all_walls_are_required(capability):
    need_root("a root start")
    if not shutil.which("setpriv"):
        not_checked("a root start without a capability: there is no setpriv")
    without = ["setpriv", "--bounding-set", f"-{capability}", "--inh-caps", f"-{capability}"]
    code, said = run_to_end(without, require_sandbox="all")
    assert code == MISSING_SANDBOX, said
    assert "every process runs as root" in said and "--require-sandbox=on only warns of it" in said
    with house(wrapper=without) as running:
        assert running.logged('"warning"', "the sandbox is not complete", "every process runs as root")
        running.works()
