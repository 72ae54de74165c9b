"""Behind its walls the agent has a user, filters and ports of its own, an environment of UCX's settings, and opens
nothing."""

import os
import re
import subprocess

from agents import run


def status(pid):
    with open(f"/proc/{pid}/status") as text:
        return dict(re.findall(r"(\w+):\t?(.*)\n", text.read()))


def test_they_do(launch):
    agent = launch()
    pid = agent.pid
    found, supervisor = status(pid), status(agent.sidecar.pid)
    assert found["Uid"].split() == ["10004"] * 4 and found["Groups"].strip() == ""
    assert found["CapEff"] == found["CapBnd"] == "0000000000000000"
    assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2"
    assert int(found["Seccomp_filters"]) == int(supervisor["Seccomp_filters"]) + 1
    for thread in os.listdir(f"/proc/{pid}/task"):
        assert status(f"{pid}/task/{thread}")["Seccomp"] == "2", "UCX's own thread too"
    with open(f"/proc/{pid}/environ") as text:
        variables = [one.split("=")[0] for one in text.read().split("\0") if one]
    assert variables and all(name.startswith("UCX_") for name in variables), variables
    with open(f"/proc/{pid}/maps") as text:
        lines = text.read().splitlines()
    assert not [line for line in lines if "x" in line.split()[1] and "w" in line.split()[1]]
    libraries = {line.split("/")[-1] for line in lines if "/libuc" in line}
    assert {name.split(".")[0] for name in libraries} == {"libucp", "libucs", "libuct", "libucm"}, libraries


def test_the_audit_says_so(launch):
    agent = launch()
    done = run("audit", "--control-socket", agent.sidecar.control_socket, "--json", timeout=60)
    import json
    rows = [row for row in json.loads(done.stdout)["rows"] if row["process"] == "kv-agent"]
    assert rows
    # The build is not installed as root's with mode 0711, which the audit says of every process alike.
    wider = {row["fact"] for row in rows if row["verdict"] == "wider"} - {"program file", "dumpable"}
    assert not wider, [row for row in rows if row["fact"] in wider]


def test_its_rights_can_be_read():
    done = run("audit", "--explain", "kv-agent")
    assert done.returncode == 0 and done.stdout.startswith("kv-agent: ")
    assert "the ports of KV agents only" in done.stdout
    calls = done.stdout[done.stdout.index("System calls, once it is ready"):].split("\n\n")[0]
    for name in ("openat", "bind", "listen", "clone"):
        assert not re.search(rf"^  {name}\b", calls, re.MULTILINE), name
