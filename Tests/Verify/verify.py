#!/usr/bin/env python3
"""Every promise at full size: `make verify`. Writes verify-record/RECORD.md, one row for each claim.

Environment:
    SIDECAR_BUILD                    the executables (default .build/release)
    REAL_VLLM_PREFILL, _DECODE       addresses of a running vLLM pair
    SIDECAR_BENCH                    bench.py of the external benchmark harness
    VERIFY_FRESH_CLONE=1             also build and run from a fresh clone, with the time it takes
    VERIFY_KILLS                     kill -9 of children in the main chaos check (default 1000)
    VERIFY_MINUTES                   mixed load with restarts behind the walls (default 10)
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import bench  # noqa: E402
import costs  # noqa: E402
from record import NOT_CHECKED, Record  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SIDECAR_BUILD") or ROOT / ".build" / "release").resolve()
LINE = re.compile(r"^(ok|FAILED|NOT CHECKED)\s+(.*) \[[\d.]+ s\]$")


def stream(record, name, command, timeout, **environment):
    """Runs a step with its output on the screen and in its log; returns (exit status, lines)."""
    lines = []
    begun = time.monotonic()
    with open(record.log(name), "w") as log:
        step = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment | {"SIDECAR_BUILD": str(BUILD)},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in step.stdout:
                lines.append(line.rstrip("\n"))
                log.write(line)
                log.flush()
                if time.monotonic() - begun > timeout:
                    lines.append(f"cut off after {timeout} s")
                    break
        finally:
            if step.poll() is None and time.monotonic() - begun > timeout:
                step.kill()
            status = step.wait()
    return status, lines


def rows_of(record, lines):
    """A row for each line of a report: what it says becomes the measurement."""
    found = 0
    for number, line in enumerate(lines):
        shape = LINE.match(line)
        if not shape and line.startswith("FAILED"):
            shape = re.match(r"^(FAILED)\s+(.*)$", line)
        if not shape:
            continue
        found += 1
        verdict, sentence = shape[1], shape[2]
        statement, _, detail = sentence.partition(" (")
        detail = detail.rstrip(")")
        if verdict == "FAILED" and number + 1 < len(lines):
            detail = lines[number + 1].strip()[:300]
        record.add(statement, detail or "as claimed",
                   {"ok": "met", "FAILED": "missed", "NOT CHECKED": NOT_CHECKED}[verdict])
    return found


def chaos(record):
    kills = int(os.environ.get("VERIFY_KILLS", "1000"))
    status, lines = stream(record, "chaos", [sys.executable, "Tests/Chaos/chaos.py", "--kills", str(kills), "--full"],
                           timeout=7200)
    rows_of(record, lines)
    record.judge("the chaos suite ends well", lines[-1] if lines else f"exit {status}", status == 0)


def tls(record):
    """Keys in memory, rotation, endurance and cost, each line with its numbers; and other people's clients."""
    status, lines = stream(record, "tls-interop", [sys.executable, "Tests/TLS/interop.py"], 600)
    record.judge("the TLS library and the signer get on with openssl, curl and Python",
                 lines[-1] if lines else f"exit {status}", status == 0)
    status, lines = stream(record, "tls", [sys.executable, "Tests/TLS/full.py"], 3600)
    rows_of(record, lines)
    record.judge("the TLS checks end well", lines[-1] if lines else f"exit {status}", status == 0)


def mixed(record):
    minutes = os.environ.get("VERIFY_MINUTES", "10")
    status, lines = stream(record, "mixed", [sys.executable, "Tests/Verify/mixed.py", "--minutes", minutes],
                           timeout=float(minutes) * 60 + 300)
    rows_of(record, lines)
    record.judge("the mixed load ends well", lines[-1] if lines else f"exit {status}", status == 0)


def suites(record, *suites):
    """Suites of pytest's, each (name, statement, folder)."""
    found = subprocess.run([str(ROOT / "scripts" / "find-python.sh")], capture_output=True, text=True)
    python = found.stdout.strip()
    for name, statement, folder in suites:
        if not python:
            record.add(statement, "no Python with pytest here", NOT_CHECKED)
            continue
        status, lines = stream(record, name, [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", folder], 3600)
        record.judge(statement, lines[-1] if lines else f"exit {status}", status == 0)
        for line in lines:
            if line.startswith("SKIPPED"):
                record.add(f"{name}: what this machine can't show", line, NOT_CHECKED)


def scenarios(record):
    suites(record,
           ("members", "no hostile protocol member arrives, for each route and door", "Tests/Scenarios/members"),
           ("scenarios", "all scenarios pass", "Tests/Scenarios"))


def walls(record):
    suites(record,
           ("sandbox", "walls, audit, probe, violations, older kernels, the image; every right is exercised or explained",
            "Tests/Sandbox"))


def kubernetes(record):
    suites(record, ("kubernetes", "protection against a scripted API server with faults", "Tests/Kubernetes"))


def kv(record):
    suites(record, ("kv", "KV blocks between two sidecars, and peers that lie", "Tests/KV"))


def attack(record):
    status, lines = stream(record, "attack", [sys.executable, "Tests/Attack/attack.py", "--dials", "100000"], 1800)
    rows_of(record, lines)
    record.judge("a proxy that was taken over reaches nothing by the dialer", lines[-1] if lines else f"exit {status}",
                 status == 0)


def real_engines(record):
    prefill, decode = os.environ.get("REAL_VLLM_PREFILL"), os.environ.get("REAL_VLLM_DECODE")
    if not (prefill and decode):
        record.add("before a real vLLM pair: equal text, transfers proven by its counters, no engine harmed",
                   "REAL_VLLM_PREFILL and REAL_VLLM_DECODE name no pair", NOT_CHECKED)
        return
    status, lines = stream(record, "real-vllm", [sys.executable, "Tests/RealVLLM/check.py", prefill, decode], 3600)
    rows_of(record, lines)
    record.judge("the checks before a real vLLM pair end well", lines[-1] if lines else f"exit {status}", status == 0)


def structure(record):
    status, lines = stream(record, "structure", [str(ROOT / "scripts" / "check-structure.sh"), str(BUILD)], 300)
    record.judge("structure: folders, sizes, what each process links", lines[-1] if lines else "nothing to remark",
                 status == 0)


def fresh_clone(record):
    statement = "from a fresh clone, `make run` shows a stream in under 10 minutes"
    if os.environ.get("VERIFY_FRESH_CLONE") != "1":
        record.add(statement, "VERIFY_FRESH_CLONE=1 was not set", NOT_CHECKED)
        return
    folder = tempfile.mkdtemp(prefix="fresh")
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), folder + "/clone"], check=True)
        begun = time.monotonic()
        with open(record.log("fresh-clone"), "w") as log:
            done = subprocess.run(["make", "run", "ARGS=--once --plain"], cwd=folder + "/clone", stdout=log,
                                  stderr=subprocess.STDOUT, timeout=1800)
        seconds = time.monotonic() - begun
        record.judge(statement, f"{seconds / 60:.1f} min, exit {done.returncode}",
                     done.returncode == 0 and seconds < 600)
    except (subprocess.SubprocessError, OSError) as failure:
        record.judge(statement, str(failure), False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    if not (BUILD / "routing-sidecar").exists():
        raise SystemExit(f"{BUILD / 'routing-sidecar'} is not there: run `make build`, or set SIDECAR_BUILD")
    record = Record(ROOT)
    steps = {"structure": structure, "costs": costs.add_to, "bench": lambda record: bench.add_to(record, BUILD),
             "real": real_engines, "chaos": chaos, "mixed": mixed, "tls": tls, "scenarios": scenarios, "walls": walls,
             "kubernetes": kubernetes, "kv": kv, "attack": attack, "fresh": fresh_clone}
    wanted = sys.argv[1:] or list(steps)
    unknown = [name for name in wanted if name not in steps]
    if unknown:
        raise SystemExit(f"unknown step {', '.join(unknown)}; there are {', '.join(steps)}")
    for name in wanted:
        try:
            steps[name](record)
        except Exception as failure:  # a step that broke is a claim that was not met
            record.add(f"step {name}", f"{type(failure).__name__}: {failure}", "missed")
    print(f"{record.count('met')} met, {record.count('missed')} missed, {record.count(NOT_CHECKED)} not checked;"
          f" see {record.folder / 'RECORD.md'}")
    raise SystemExit(1 if record.count("missed") else 0)


if __name__ == "__main__":
    main()
