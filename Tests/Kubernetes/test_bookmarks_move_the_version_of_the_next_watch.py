"""A quiet collection does not age: the next watch begins at the last bookmark."""

from objects import pod
from support.engine import wait_for


def test_bookmarks_move_the_version_of_the_next_watch(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.wait_until_watched()
    assert {call.query.get("allowWatchBookmarks") for call in api.seen("watch")} == {"true"}
    api.settle()
    # Changes that the selector keeps from this watch.
    api.cluster.put(*[pod("other", labels={"app": "other"}) for _ in range(10)])
    present = str(api.cluster.version)
    assert api.bookmark() == 2
    api.each_watch("watch", lambda watch: watch.end())
    api.wait_for_calls("watch", 2)
    assert [call.query["resourceVersion"] for call in api.seen("watch")] == [present] * 2
    # So the versions before it may be forgotten.
    assert not api.count("list")
    sidecar.assert_allowed(fleet.at(0))


def test_a_watch_asks_for_an_end(api, fleet, protect):
    protect(api)
    api.wait_until_watched()
    for call in api.seen("watch"):
        assert 60 <= int(call.query["timeoutSeconds"]) <= 600
        assert call.query["resourceVersion"] not in ("", "0")
    wait_for(lambda: api.open_watches("pods"), "the watch")
