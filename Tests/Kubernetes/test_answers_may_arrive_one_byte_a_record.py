"""Lists and events one byte a TLS record: slow, and nothing else."""

from objects import pod


def test_answers_may_arrive_one_byte_a_record(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    api.records = lambda data: [data[at:at + 1] for at in range(len(data))]
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    api.settle()
    api.cluster.put(pod("c", "127.0.0.13"))
    api.cluster.delete("b")
    sidecar.wait_allowed(fleet.at(2))
    sidecar.wait_refused(fleet.at(1))
    assert not api.count()


def test_lists_may_come_in_chunks(api, fleet, protect):
    api.chunked_lists = True
    api.cluster.put(*[pod(f"p{number}", f"127.0.0.{11 + number}") for number in range(3)])
    sidecar = protect(api)
    sidecar.assert_allowed(*(fleet.at(number) for number in range(3)))
    sidecar.assert_refused(fleet.at(3))
