"""The sidecar as a restricted pod runs it: user 65532, no capabilities, no_new_privs, read-only root, the container
runtimes' default filter (restricted_pod.c). A subset of the scenarios runs this way; all of them do with
`SIDECAR_LAUNCHER=path/to/restricted_pod pytest Tests/Scenarios`."""

import os
import re
import subprocess
import sys

import pytest
from policy_support import HERE, compiled, house, installation, need_root, not_checked

# From each part of the scenarios: what meets the walls there.
REPRESENTATIVE = [
    "streams", "legs", "routing", "handoff", "supervisor",
    "lifecycle/test_a_graceful_proxy_restart_loses_nothing.py",
    "lifecycle/test_a_killed_admin_is_replaced.py",
    "lifecycle/test_a_killed_dialer_disturbs_no_connection.py",
    "lifecycle/test_a_killed_proxy_is_replaced_and_refuses_nobody.py",
    "lifecycle/test_nothing_outlives_a_killed_supervisor.py",
    "lifecycle/test_term_lets_streams_finish.py",
    "tls/test_a_changed_certificate_is_taken_within_a_second.py",
    "tls/test_a_killed_signer_is_replaced_and_no_handshake_fails.py",
    "tls/test_engines_that_ask_get_a_certificate.py",
    "tls/test_restart_and_drain_lose_no_tls_stream.py",
    "tls/test_the_signer_is_one_of_the_processes.py",
]


@pytest.fixture
def pod(tmp_path):
    need_root("a restricted pod made by the test")
    launcher = compiled("restricted_pod.c", tmp_path / "restricted_pod")
    tried = subprocess.run([launcher, "/bin/true"], capture_output=True, text=True)
    if tried.returncode:
        not_checked(f"a restricted pod made by the test: {tried.stderr.strip()}")
    return launcher


def of_process(pid):
    with open(f"/proc/{pid}/status") as status:
        return dict(re.findall(r"(\w+):\t?(.*)\n", status.read()))


def test_the_pod_is_as_restricted_as_it_says(pod):
    script = "grep -E '^(Uid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status; touch /etc/written /usr/written 2>&1"
    said = subprocess.run([pod, "/bin/sh", "-c", script], capture_output=True, text=True).stdout
    assert "65532\t65532\t65532\t65532" in said and "NoNewPrivs:\t1" in said and "Seccomp:\t2" in said
    assert said.count("0000000000000000") == 5
    assert said.count("Read-only file system") == 2


def test_every_process_has_its_walls_in_a_restricted_pod(pod):
    with installation() as build, house(build, wrapper=[str(pod)]) as running:
        supervisor = of_process(running.pid)
        for name, pid in running.pids().items():
            found = of_process(pid)
            assert found["Uid"].split() == ["65532"] * 4, name
            assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2", name
            # The runtime's, the supervisor's and its own.
            assert int(found["Seccomp_filters"]) == int(supervisor["Seccomp_filters"]) + 1 == 3, name
            # Non-dumpable, so that nobody of the same user can look into it: its files in /proc are root's.
            assert os.stat(f"/proc/{pid}/environ").st_uid == 0, name
        assert os.stat(f"/proc/{running.pid}/environ").st_uid == 0
        running.works()
        assert running.metrics()["sidecar_sandbox_missing_walls"] == 0


def test_scenarios_pass_in_a_restricted_pod(pod):
    with installation() as build:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             *(str(HERE.parent / "Scenarios" / part) for part in REPRESENTATIVE)],
            env=os.environ | {"SIDECAR_BUILD": str(build), "SIDECAR_LAUNCHER": str(pod)},
            capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-4000:]
        assert " passed" in done.stdout and "skipped" not in done.stdout, done.stdout[-500:]
