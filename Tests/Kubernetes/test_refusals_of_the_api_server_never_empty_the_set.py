"""403, 404, 429, 500, 503 and the like, for lists and watches alike: the set stays, and is current soon after."""

import faults
import pytest
from objects import pod
from protected import steady

REFUSALS = {
    "403": faults.forbidden,
    "404 in text": faults.not_found,
    "404 as a status": faults.status(404, "NotFound", "not found"),
    "429": faults.busy(1),
    "500": faults.internal,
    "503": faults.unavailable,
    "504 too large a version": faults.too_large_version,
    "500 in text": faults.body(b"boom", 500, "text/plain"),
    "200 in text": faults.body(b"<html>login</html>", 200, "text/html"),
    "302": faults.status(302, "Found", "", [("Location", "https://127.0.0.1:1/elsewhere")]),
    "reset": faults.reset,
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused_watches(api, fleet, protect, refusal):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rules = [api.fault(kind, REFUSALS[refusal]) for kind in ("watch pods", "watch pools")]
        api.each_watch("watch", lambda watch: watch.end())
        api.cluster.delete("b")
        for rule in rules:
            rule.wait()
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert sidecar.logged('"watcher"', '"warning"') or sidecar.logged('"watcher"', '"error"')
    assert api.count("list pods") <= 1 and api.count("list pools") <= 1


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused_lists(api, fleet, protect, refusal):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rules = [api.fault(kind, REFUSALS[refusal]) for kind in ("list pods", "list pools")]
        api.down()
        api.cluster.delete("b")
        api.cluster.forget()
        api.up()
        for rule in rules:
            rule.wait()
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert api.count("list pods") == api.count("list pools") == 2
