"""Chunks and TLS records end anywhere: an event is split at each of its bytes in turn, with time between the parts."""

from objects import pod


class Splitter:
    """The first line after its first byte, the second after its second, and so on."""

    def __init__(self):
        self.position = 0
        self.longest = 0

    def __call__(self, line):
        self.position += 1
        self.longest = max(self.longest, len(line))
        return [line[:self.position], line[self.position:]] if self.position < len(line) else [line]


def slim(number):
    document = pod("a", f"127.0.0.{number}", uid="11111111-1111-1111-1111-111111111111")
    del document["metadata"]["managedFields"], document["metadata"]["ownerReferences"]
    return document | {"spec": {}}


def test_events_may_be_split_at_any_byte(api, fleet, protect):
    api.cluster.put(pod("steady", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    api.pause = 0.0005
    api.chunking = splitter = Splitter()
    number = 0
    while splitter.position <= splitter.longest:
        for _ in range(20):
            number += 1
            api.cluster.put(slim(12 + number % 2))
        sidecar.wait_allowed(fleet.at(1 + number % 2))
        sidecar.wait_refused(fleet.at(2 - number % 2))
    assert splitter.longest > 500
    api.cluster.delete("a")
    sidecar.wait_refused(fleet.at(1), fleet.at(2))
    sidecar.assert_allowed(fleet.at(0))
    assert not api.count(), "an event was not understood"
