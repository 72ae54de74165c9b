"""Signal 34 and `restart kv-agent` replace the agent and nobody else; what ran in it is told to have failed."""

import pytest
from agents import run, until_begun


@pytest.mark.parametrize("how", ["signal", "name"])
def test_a_restart(launch, how):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(11)
    old, others = reader.pid, reader.others()
    running = reader.start(source, 512 << 20, deadline="30s")
    until_begun(reader)
    if how == "signal":
        reader.sidecar.signal(34)
    else:
        done = run("restart", "kv-agent", "--control-socket", reader.sidecar.control_socket)
        assert done.returncode == 0, done.stderr
    assert running()["result"] == "agent_lost"
    assert reader.wait_for_new(old) != old
    assert reader.others() == others
    assert reader.transfer(source, 1 << 20)["result"] == "done"
    # Asked for, and so no error.
    ended = [line for line in reader.sidecar.log_lines if "kv-agent ended" in line]
    assert len(ended) == 1 and '"level":"info"' in ended[0], ended


def test_many_restarts_in_a_row(launch):
    reader, source = launch(), launch()
    source.fill(12)
    for _ in range(5):
        old = reader.pid
        reader.sidecar.signal(34)
        reader.wait_for_new(old)
        assert reader.transfer(source, 4096)["result"] == "done"
