"""--allow and --allow-file: the same path of snapshots, without a watcher; the file is read again on HUP."""

import signal

import pytest
from objects import pod
from support.engine import wait_for


def test_a_fixed_allowlist_needs_no_kubernetes(fleet, protect):
    sidecar = protect(None, allow=f"{fleet.at(0)},[::1]:{fleet.port}")
    sidecar.assert_allowed(fleet.at(0), f"[::1]:{fleet.port}")
    sidecar.assert_refused(fleet.at(1), f"127.0.0.11:{fleet.other_port}")
    assert sidecar.blocked("port_not_allowed") == 1 and sidecar.blocked("not_in_pool") == 1
    status = sidecar.allowlist()
    assert (status["source"], status["endpoints"], status["generation"]) == ("static", 2, 1)
    assert "watcher" not in {row["name"] for row in sidecar.status()["components"]}


@pytest.fixture
def file(tmp_path, fleet):
    path = tmp_path / "allow"
    path.write_text(f"# prefillers\n{fleet.at(0)}\n\n  {fleet.at(1)}   # the second\n")
    return path


def reload(sidecar):
    sidecar.signal(signal.SIGHUP)


def test_the_file_is_read_again_on_hup(fleet, protect, file):
    sidecar = protect(None, allow_file=file)
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    sidecar.assert_refused(fleet.at(2))
    idle = fleet.engines["127.0.0.12"]
    assert idle.live
    file.write_text(f"{fleet.at(0)}\n{fleet.at(2)}\n")
    sidecar.assert_allowed(fleet.at(1))
    reload(sidecar)
    sidecar.wait_refused(fleet.at(1))
    sidecar.assert_allowed(fleet.at(0), fleet.at(2))
    wait_for(lambda: not idle.live, "the idle connection to what was removed to be closed", timeout=3)
    assert sidecar.allowlist()["generation"] == 2
    file.write_text("# nobody\n")
    reload(sidecar)
    sidecar.wait_refused(fleet.at(0), fleet.at(2))


@pytest.mark.parametrize("bad", ["{0}\nnonsense\n", "{0}\n127.0.0.11\n", "{0}\n127.0.0.11:0\n", "{0}\n010.0.0.1:80\n",
                                 "{0}\nname:80\n", "{0}\n127.0.0.1:80:90\n", "\0{0}\n", None])
def test_a_bad_file_changes_nothing_and_is_named(fleet, protect, file, bad):
    sidecar = protect(None, allow_file=file)
    if bad is None:
        file.unlink()
    else:
        file.write_text(bad.format(fleet.at(2)))
    reload(sidecar)
    sidecar.wait_logged('"error"', "allow-file")
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    sidecar.assert_refused(fleet.at(2))
    assert sidecar.allowlist()["generation"] == 1
    file.write_text(f"{fleet.at(2)}\n")
    reload(sidecar)
    sidecar.wait_allowed(fleet.at(2))
    sidecar.wait_refused(fleet.at(0))


def test_hup_keeps_a_pools_watch(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    reload(sidecar)
    api.cluster.put(pod("b", "127.0.0.12"))
    sidecar.wait_allowed(fleet.at(1))
    assert not api.count("list")
