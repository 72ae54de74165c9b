"""An event of more than 16 MiB is not taken into memory: the pods are listed again, once, and the set stays."""

from objects import pod
from processes import resident
from protected import steady
from support.wire import encode_chunk


def test_a_line_without_end_is_refused_and_listed_again(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()

    def endless(watch):
        piece = encode_chunk(b"x" * (1 << 20))
        watch.exchange.send(encode_chunk(b'{"type":"MODIFIED","object":{"metadata":{"name":"'))
        for _ in range(64):
            watch.exchange.send(piece)

    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch pods", endless)
        api.wait_for_calls("list pods", 1)
        api.cluster.delete("b")
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert api.count("list pods") == 1
    assert resident(sidecar.component_pid("watcher"), "VmHWM") < 96 << 20


def test_a_large_event_is_taken(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    api.cluster.put(pod("b", "127.0.0.12", annotations={"long": "x" * (12 << 20)}))
    sidecar.wait_allowed(fleet.at(1))
    assert not api.count()
