"""How a child's end is told: crashes by their signal, violations by the call as far as it is known."""

import os
import signal

import pytest
from policy_support import house, installation, last_exit, wait_for

VIOLATIONS = "sidecar_sandbox_violations_total"


@pytest.mark.parametrize("role", ["proxy", "dialer", "admin"])
@pytest.mark.parametrize("number, told", [
    (signal.SIGSEGV, "signal 11 (SIGSEGV)"),
    (signal.SIGILL, "signal 4 (SIGILL): a precondition failed"),
    (signal.SIGTRAP, "signal 5 (SIGTRAP): a precondition failed"),
    (signal.SIGABRT, "signal 6 (SIGABRT)"),
    (signal.SIGSYS, "sandbox violation"),
])
def test_a_crash_behind_the_walls_is_told_by_its_signal(role, number, told):
    with house() as running:
        old = running.row(role)["pid"]
        os.kill(old, number)
        running.wait_new(role, old)
        wait_for(running.is_ready, "ready after the crash")
        assert told in last_exit(running, role)
        assert running.logged(f"{role} ended", told)
        # SIGSYS from outside came without a report, and looks like a call that was killed for.
        assert running.metrics()[VIOLATIONS] == (1 if number == signal.SIGSYS else 0)
        running.works()


# The stand-in is the dialer: proxy and admin process are one executable, and the counts are asked of the real one.

def test_a_trapped_call_is_named_as_reported():
    with installation(dialer="REPORTS") as build, house(build, ready=False) as running:
        told = last_exit(running, "dialer")
        assert "sandbox violation: system call openat, as reported by the process itself" in told
        assert running.logged("dialer ended", "system call openat, as reported by the process itself")
        wait_for(lambda: running.metrics().get(VIOLATIONS, 0) >= 1, "the violation is counted")
        assert running.process.poll() is None


def test_a_call_that_was_killed_for_is_not_guessed():
    with installation(dialer="SILENT") as build, house(build, ready=False) as running:
        told = last_exit(running, "dialer")
        assert "sandbox violation: the system call is in the host's audit log only" in told
        wait_for(lambda: running.metrics().get(VIOLATIONS, 0) >= 1, "the violation is counted")


def test_a_report_without_the_death_that_belongs_to_it_counts_for_nothing():
    with installation(dialer="LIES") as build, house(build, ready=False) as running:
        told = last_exit(running, "dialer")
        assert told.startswith("exit 7") and "openat" not in told
        assert running.metrics()[VIOLATIONS] == 0
