"""401: the token is read again, and the new one is used; the members stay allowed all the time."""

import faults
from objects import pod
from protected import steady


def test_a_refused_token_is_asked_for_again(api, fleet, protect, volume):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        api.tokens = {"token-2"}
        api.each_watch("watch", lambda watch: watch.end())
        api.wait_for_calls("watch pods", 2)
        assert api.seen("watch pods")[-1].token == "token-1"
        sidecar.wait_logged("401")
        volume.rotate(token="token-2")
        api.wait_until_watched()
        api.cluster.delete("b")
        sidecar.wait_refused(fleet.at(1))
    assert api.seen("watch pods")[-1].token == "token-2"
    assert "token-1" not in sidecar.log_text() and "token-2" not in sidecar.log_text()
    assert not api.count("list"), "a refused token says nothing about the list"


def test_a_401_for_one_request_is_no_reason_to_list(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rule = api.fault("watch pods", faults.unauthorized)
        api.each_watch("watch pods", lambda watch: watch.end())
        rule.wait()
        api.wait_until_watched()
    assert not api.count("list")
