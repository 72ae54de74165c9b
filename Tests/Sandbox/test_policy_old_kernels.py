"""Walls that a host can't put up: named at every start, or the start refused, exactly as documented."""

import os

import pytest
from policy_support import compiled, house, run_to_end

MISSING_SANDBOX = 78
WARNING = "the sandbox is not complete"


@pytest.mark.parametrize("abi, named", [(0, "has no Landlock"), (3, "Landlock has ABI 3"), (5, "Landlock has ABI 5")])
def test_an_older_landlock_is_warned_of_and_counted(abi, named):
    with house(landlock_abi=abi) as running:
        assert running.logged('"warning"', WARNING, named)
        assert running.metrics()["sidecar_sandbox_missing_walls"] == 1
        running.works()


def test_the_whole_of_landlock_is_no_reason_for_a_warning():
    with house() as running:
        assert not running.logged(WARNING)
        assert running.metrics()["sidecar_sandbox_missing_walls"] == 0


@pytest.mark.parametrize("abi, named", [(0, "has no Landlock"), (3, "Landlock has ABI 3")])
def test_who_requires_all_walls_is_refused_and_told_the_way_out(abi, named):
    code, said = run_to_end(landlock_abi=abi, require_sandbox="all")
    assert code == MISSING_SANDBOX, said
    assert "a required wall is missing" in said and named in said
    assert "--require-sandbox=on serves without it" in said


def test_without_seccomp_nothing_is_started(tmp_path):
    launcher = compiled("refusing.c", tmp_path / "refusing")
    for require in ("on", "all"):
        code, said = run_to_end([launcher], require_sandbox=require)
        assert code == MISSING_SANDBOX, said
        assert "no seccomp filters" in said and "--require-sandbox=off serves without them" in said


def test_without_seccomp_who_requires_nothing_is_served_and_warned(tmp_path):
    launcher = compiled("refusing.c", tmp_path / "refusing")
    os.chmod(tmp_path, 0o755)
    with house(wrapper=[str(launcher)], require_sandbox="off") as running:
        assert running.logged('"warning"', WARNING, "no seccomp filters")
        assert running.metrics()["sidecar_sandbox_missing_walls"] >= 1
        running.works()


def test_no_walls_at_all_must_be_asked_for_twice():
    code, said = run_to_end(sandbox="off")
    assert code == MISSING_SANDBOX, said
    assert "--require-sandbox=off must be given too" in said
    with house(sandbox="off", require_sandbox="off") as running:
        assert running.logged('"warning"', WARNING, "no walls are put up at all")
        running.works()
