"""Rights that nobody uses: a mixed load under a tracer, and every call that a process may make and never made. Such a
right is taken away, or the reason why it stays is written down in Sources/Sandbox/Unexercised.swift."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from policy_support import BUILD, HERE, need_root, not_checked

TESTS = HERE.parent
# Streams, both legs, aborts, requested restarts and killed processes, metrics, names, an allowlist read again; and the
# watcher against an API server of the test's own.
LOADS = {
    "Scenarios": ["streams", "observability", "lifecycle/test_a_killed_dialer_disturbs_no_connection.py",
                  "lifecycle/test_a_killed_proxy_is_replaced_and_refuses_nobody.py",
                  "lifecycle/test_term_lets_streams_finish.py",
                  "lifecycle/test_the_drain_deadline_cuts_streams_and_says_so.py",
                  "routing/test_names_are_looked_up_on_demand_and_their_addresses_checked.py",
                  "routing/test_a_revoked_prefiller_is_let_go_at_once.py",
                  "answers/test_idle_connections_to_engines_are_reused_and_never_stale.py",
                  "limits/test_bodies_over_the_cap_are_refused.py"],
    "Kubernetes": ["test_a_rotated_token_is_taken_up_through_the_symlink.py",
                   "test_a_changed_selector_counts_at_once.py",
                   "test_a_watch_that_breaks_off_is_resumed_without_a_list.py",
                   "test_answers_may_arrive_one_byte_a_record.py"],
}
ROLES = ("proxy", "admin", "dialer", "resolver", "watcher")
# A process's name in the kernel has room for 15 letters.
NAMES = {f"sidecar-{role}"[:15]: role for role in ROLES}
CALL = re.compile(r"^([a-z_0-9]+)\(")
THREAD = re.compile(r"^clone3?\(.*CLONE_THREAD.* = (\d+)$")


def declared(role):
    """The calls of a role, from its rights as the program tells them."""
    told = subprocess.run([BUILD / "routing-sidecar", "audit", "--explain", role], capture_output=True, text=True,
                          timeout=20)
    assert told.returncode == 0, told.stderr
    calls = told.stdout[told.stdout.index("System calls, once it is ready"):]
    return set(re.findall(r"^  ([a-z_0-9]+)(?: {2,}|$)", calls.split("\n\n")[0], re.MULTILINE))


def unexercised():
    """Role to call to reason; what holds for every role stands under None."""
    text = (TESTS.parent / "Sources" / "Sandbox" / "Unexercised.swift").read_text()
    anywhere, _, in_role = text.partition("public static let inRole")
    entry = re.compile(r'"([a-z_0-9]+)": "([^"]+)"')
    reasons = {None: dict(entry.findall(anywhere))}
    for role, body in re.findall(r"\.(\w+): \[(.*?)\n        \]", in_role, re.DOTALL):
        reasons[role] = dict(entry.findall(body))
    return reasons


def made(directory):
    """Role to what its processes have called once their filter was up."""
    files = {int(path.name.rpartition(".")[2]): path for path in directory.iterdir()}
    calls, processes = collections.defaultdict(collections.Counter), collections.Counter()
    for path in files.values():
        lines = path.read_text(errors="replace").splitlines()
        named = (re.match(r'prctl\(PR_SET_NAME, "([^"]+)"', line) for line in lines)
        role = next((NAMES[name[1]] for name in named if name and name[1] in NAMES), None)
        walls = [n for n, line in enumerate(lines) if line.startswith("seccomp(SECCOMP_SET_MODE_FILTER")]
        if not role or not walls:
            continue
        processes[role] += 1
        after = lines[walls[-1] + 1:]
        for line in lines[:walls[-1]]:
            thread = THREAD.match(line)
            if thread and int(thread[1]) in files:
                # The filter comes upon a thread while it waits for its first event.
                begun = files[int(thread[1])].read_text(errors="replace").splitlines()
                first = next((n for n, line in enumerate(begun) if line.startswith("epoll_")), len(begun))
                after += begun[first:]
        calls[role].update(found[1] for found in map(CALL.match, after) if found)
    return calls, processes


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    need_root("which rights are used")
    tracer = shutil.which("strace")
    if not tracer:
        not_checked("which rights are used: there is no strace")
    directory = tmp_path_factory.mktemp("trace")
    for suite, parts in LOADS.items():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             *(str(TESTS / suite / part) for part in parts)],
            env=os.environ | {"SIDECAR_BUILD": str(BUILD),
                              "SIDECAR_LAUNCHER": f"{tracer} -D -ff -qq -e signal=none -o {directory}/trace"},
            capture_output=True, text=True, timeout=600)
        # What they find is their own suite's to tell; here it only counts that there was a load.
        assert re.search(r"[1-9]\d* passed", done.stdout), done.stdout[-3000:]
    return made(pathlib.Path(directory))


@pytest.mark.parametrize("role", ROLES)
def test_every_right_is_used_or_its_reason_is_written_down(traced, role):
    calls, processes = traced
    if not processes[role]:
        not_checked(f"which rights are used: no {role} ran in the load")
    reasons = unexercised()
    excused = reasons[None] | reasons.get(role, {})
    idle = declared(role) - set(calls[role]) - set(excused)
    assert not idle, f"{role} may and never did: {sorted(idle)}; it made {dict(calls[role])}"


@pytest.mark.parametrize("role", ROLES)
def test_no_process_makes_a_call_that_its_rights_do_not_list(traced, role):
    calls, processes = traced
    if not processes[role]:
        not_checked(f"which rights are used: no {role} ran in the load")
    assert not set(calls[role]) - declared(role)
