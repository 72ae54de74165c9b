"""With protection on an agent calls members of the allowlist and nobody else, and is called by nobody else."""

import pytest
from agents import until_begun, wait_for

SIZE = 4096


def test_a_member_is_called_whatever_port_the_list_names(launch):
    reader = launch(enable_ssrf_protection=True, allow="127.0.0.1:80")
    source = launch(enable_ssrf_protection=True, allow="127.0.0.1:80")
    source.fill(17)
    assert reader.transfer(source, SIZE)["result"] == "done"


def test_a_stranger_is_not_called(launch):
    reader = launch(enable_ssrf_protection=True, allow="10.0.0.1:80")
    source = launch()
    assert reader.transfer(source, SIZE)["result"] == "not_in_pool"


def test_a_stranger_does_not_call(launch):
    reader = launch()
    source = launch(enable_ssrf_protection=True, allow="10.0.0.1:80")
    assert reader.transfer(source, SIZE)["result"] in ("unreachable", "peer_lost")
    assert source.sidecar.metric("sidecar_kv_peers_refused_total") >= 1


def test_a_list_that_is_read_again_counts(launch, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text("10.0.0.1:80\n")
    reader, source = launch(enable_ssrf_protection=True, allow_file=allowed), launch()
    source.fill(18)
    assert reader.transfer(source, SIZE)["result"] == "not_in_pool"
    allowed.write_text("127.0.0.1:80\n")
    reader.sidecar.signal(1)
    wait_for(lambda: reader.transfer(source, SIZE)["result"] == "done", "the new list to count")


def test_a_caller_that_leaves_the_list_is_cut_off(launch, stand_in, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text("127.0.0.1:80\n")
    source = launch(enable_ssrf_protection=True, allow_file=allowed)
    before = source.pid
    caller = stand_in("stays", source.port)
    assert [caller.process.stdout.readline() for _ in range(2)] == ["heard 2\n", "heard 4\n"]
    allowed.write_text("10.0.0.1:80\n")
    source.sidecar.signal(1)
    assert caller.said(5) == "cut off\n"
    source.sidecar.wait_for_metric(1, "sidecar_kv_peers_refused_total")
    assert source.pid == before


def test_a_reader_that_leaves_the_list_is_cut_off(launch, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text("127.0.0.1:80\n")
    reader, source = launch(kv_region_bytes="512MiB"), launch(
        kv_region_bytes="512MiB", enable_ssrf_protection=True, allow_file=allowed)
    source.fill(23)
    before = (reader.pid, source.pid)
    running = reader.start(source, 512 << 20, deadline="30s")
    until_begun(reader)
    allowed.write_text("10.0.0.1:80\n")
    source.sidecar.signal(1)
    assert running()["result"] == "peer_lost"
    assert (reader.pid, source.pid) == before


@pytest.mark.parametrize("target, wanted", [
    ("169.254.169.254", "forbidden_address"), ("0.0.0.0", "forbidden_address"), ("224.0.0.1", "forbidden_address"),
    ("[fe80::1]", "forbidden_address"), ("[::ffff:169.254.169.254]", "forbidden_address"),
])
def test_addresses_that_nobody_connects_to(launch, target, wanted):
    reader = launch()
    assert reader.transfer(f"{target}:{reader.port}", SIZE)["result"] == wanted


def test_ports_that_no_agent_listens_on(launch):
    reader = launch()
    for port in (1, 80, reader.ports.first + 16, 65535):
        assert reader.transfer(f"127.0.0.1:{port}", SIZE)["result"] == "port_not_allowed"
    # The sidecar's own are nobody's to call.
    for port in (reader.sidecar.port, reader.sidecar.admin_port):
        assert reader.transfer(f"127.0.0.1:{port}", SIZE)["result"] == "forbidden_address"
