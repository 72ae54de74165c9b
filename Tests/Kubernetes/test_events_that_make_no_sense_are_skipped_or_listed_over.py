"""Unknown types are skipped. ERROR events other than 410, and lines that are no events, cost a pause, never the set."""

import faults
import pytest
from answers import encode
from objects import pod
from protected import steady


def send(api, *lines):
    def order(watch):
        for line in lines:
            watch.send_line(line if isinstance(line, bytes) else encode(line))

    assert api.each_watch("watch pods", order) == 1


def test_unknown_types_are_skipped(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        send(api, {"type": "PROGRESS", "object": pod("a", "127.0.0.14")}, {"type": "", "object": {}},
             {"kind": "later", "type": "SHRUNK", "object": None, "more": [1, {"type": "DELETED"}]})
        api.cluster.delete("b")
        sidecar.wait_refused(fleet.at(1))
    sidecar.assert_refused(fleet.at(3))
    assert not api.count()


def test_an_event_may_come_for_a_pod_that_is_known_or_unknown(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11", uid="1"))
    sidecar = protect(api)
    api.settle()
    versions = {"resourceVersion": str(api.cluster.version)}
    send(api,
         {"type": "ADDED", "object": pod("a", "127.0.0.12", uid="1", **versions)},
         {"type": "MODIFIED", "object": pod("n", "127.0.0.13", uid="2", **versions)},
         {"type": "DELETED", "object": pod("m", "127.0.0.14", uid="3", **versions)})
    sidecar.wait_allowed(fleet.at(1), fleet.at(2))
    sidecar.assert_refused(fleet.at(0), fleet.at(3))


NONSENSE = [
    b"nonsense\n", b"{}\n", b'{"type":"MODIFIED"}\n', b"\xff\xfe\n", b'{"type":3,"object":{}}\n',
    b'{"type":"DELETED","object":{"metadata":{"name":7}}}\n', b"[" * 5000 + b"\n"]


@pytest.mark.parametrize("line", NONSENSE)
def test_a_line_that_is_no_event_never_empties_the_set(api, fleet, protect, line):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        send(api, line)
        api.cluster.delete("b")
        sidecar.wait_refused(fleet.at(1))
    assert api.count("list pods") <= 1


@pytest.mark.parametrize("code", [500, 403, 504, 0])
def test_other_errors_in_a_watch_cost_a_pause(api, fleet, protect, code):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rule = api.fault("watch pods", faults.error_event(code, "InternalError", "something"), times=3)
        api.each_watch("watch pods", lambda watch: watch.end())
        api.cluster.delete("b")
        rule.wait(3)
        sidecar.wait_refused(fleet.at(1))
    times = [call.at for call in api.seen("watch pods")]
    assert times[2] - times[0] > 0.05, times
    assert api.count("list pods") <= 3
