"""Signal 34 and `restart kv-agent` replace the agent and nobody else; what ran in it is told to have failed, and the agent
that it read from lives on."""

import contextlib
import os
import signal
import time

import pytest
from agents import REGION, run, until_begun, wait_for


@pytest.mark.parametrize("how", ["signal", "name"])
def test_a_restart(launch, how):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(11)
    old, others, peer = reader.pid, reader.others(), source.pid
    places = [n * (128 << 20) for n in range(4)]
    running = [reader.start(source, 128 << 20, local=place, deadline="30s") for place in places]
    until_begun(reader, *places)
    if how == "signal":
        reader.sidecar.signal(34)
    else:
        done = run("restart", "kv-agent", "--control-socket", reader.sidecar.control_socket)
        assert done.returncode == 0, done.stderr
    results = [done()["result"] for done in running]
    assert set(results) <= {"agent_lost", "done"} and "agent_lost" in results, results
    assert reader.wait_for_new(old) != old
    assert reader.others() == others
    assert reader.transfers("agent_lost") == results.count("agent_lost")
    assert reader.transfer(source, 1 << 20)["result"] == "done"
    # UCX ends an agent whose answers find no reader; ours let them arrive.
    assert source.pid == peer
    # Asked for, and so no error.
    ended = [line for line in reader.sidecar.log_lines if "kv-agent ended" in line]
    assert len(ended) == 1 and '"level":"info"' in ended[0] and "exit 0" in ended[0], ended


def test_many_restarts_in_a_row(launch):
    reader, source = launch(), launch()
    source.fill(12)
    for _ in range(5):
        old = reader.pid
        reader.sidecar.signal(34)
        reader.wait_for_new(old)
        assert reader.transfer(source, 4096)["result"] == "done"


def test_who_reads_from_it_has_a_moment(launch):
    reader, source = launch(), launch()
    source.fill(13)
    old = source.pid
    running = reader.start(source, REGION)
    until_begun(reader)
    source.sidecar.signal(34)
    assert running()["result"] == "done"
    source.wait_for_new(old)
    assert reader.memory[:] == source.memory[:]


def test_who_stays_has_no_more_than_that(launch, stand_in):
    source = launch()
    old = source.pid
    caller = stand_in("stays", source.port)
    assert [caller.process.stdout.readline() for _ in range(2)] == ["heard 2\n", "heard 4\n"]
    begun = time.monotonic()
    source.sidecar.signal(34)
    assert caller.said().endswith("cut off\n")
    assert 0.9 < time.monotonic() - begun < 2
    source.wait_for_new(old)


def test_one_that_is_stopped_is_killed(launch):
    reader = launch()
    old = reader.pid
    os.kill(old, signal.SIGSTOP)
    begun = time.monotonic()
    reader.sidecar.signal(34)
    assert reader.wait_for_new(old) != old
    assert 2.9 < time.monotonic() - begun < 6


def caught_while_it_starts(agent, before):
    """The agent's next process, stopped before it is ready."""
    while True:
        for pid in agent.sidecar.children() - before:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as name:
                # Before it has this name the supervisor waits for its program to begin.
                if name.read() == "sidecar-kv-agen\n":
                    os.kill(pid, signal.SIGSTOP)
                    return pid


def test_an_order_to_one_that_starts_ends_nobody(launch):
    reader, source = launch(), launch()
    source.fill(22)
    before = reader.sidecar.children()
    reader.sidecar.signal(34)
    starting = caught_while_it_starts(reader, before)
    try:
        assert reader.sidecar.component("kv-agent", "starting")["pid"] == starting
        done = run("restart", "kv-agent", "--control-socket", reader.sidecar.control_socket)
        assert done.returncode == 0, done.stderr
        time.sleep(0.2)
        assert reader.sidecar.is_ready(), "no request needs an agent"
    finally:
        os.kill(starting, signal.SIGCONT)
    wait_for(lambda: reader.sidecar.component("kv-agent"), "an agent")
    assert reader.pid == starting
    assert reader.transfer(source, 4096)["result"] == "done"
