"""410 for a further page, or for a list: the list is made again in full; pages of two versions are never mixed."""

import faults
import pytest
from objects import pod
from protected import steady

MANY = [pod(f"filler-{number:04}", f"127.8.{number // 250}.{number % 250}") for number in range(1100)]


def test_a_list_comes_in_pages(api, fleet, protect):
    api.cluster.put(*MANY, pod("a", "127.0.0.11"), pod("z", "127.0.0.12"))
    sidecar = protect(api)
    assert sidecar.allowlist()["endpoints"] == 1102
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    pages = api.seen("list pods") + api.seen("continue pods")
    assert len(pages) == 3 and {call.query["limit"] for call in pages} == {"500"}
    assert len({call.query["labelSelector"] for call in pages}) == 1


def test_a_list_that_expires_between_pages_begins_anew(api, fleet, protect):
    api.cluster.put(*MANY, pod("a", "127.0.0.11"), pod("z", "127.0.0.12"))

    def expires(exchange):
        # "a" stood on the page that has been read already.
        api.cluster.delete("a")
        api.cluster.put(pod("0", "127.0.0.13"))
        api.cluster.forget()
        exchange.answer()

    api.fault("continue pods", expires)
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(1), fleet.at(2))
    sidecar.assert_refused(fleet.at(0))
    assert api.count("list pods") == 2 and api.count("continue pods") == 3


@pytest.mark.parametrize("kind", ["list pods", "list pools"])
def test_a_410_for_a_list_itself_is_tried_again(api, fleet, protect, kind):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rule = api.fault(kind, faults.gone, times=2)
        api.down()
        api.cluster.delete("b")
        api.cluster.forget()
        api.up()
        rule.wait(2)
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert api.count(kind) == 3, "two that failed, one that did not"


@pytest.mark.parametrize("fault", [faults.cut_page, faults.head_only(), faults.body(b'{"kind":"PodList","items":[')])
def test_half_a_page_is_no_list(api, fleet, protect, fault):
    api.cluster.put(*MANY, pod("a", "127.0.0.11"), pod("z", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0), fleet.at(1)):
        rule = api.fault("continue pods", fault, times=2)
        api.down()
        api.cluster.put(pod("0", "127.0.0.13"))
        api.cluster.forget()
        api.up()
        rule.wait(2)
        sidecar.wait_allowed(fleet.at(2))
