"""The kubelet swaps a directory by a symbolic link. Each new request carries the token that stands there now."""

import os

from objects import pod
from protected import steady


def test_a_rotated_token_is_taken_up_through_the_symlink(api, fleet, protect, volume):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        for number in range(2, 6):
            fresh = f"token-{number}"
            api.tokens.add(fresh)
            volume.rotate(token=fresh)
            before = api.count("watch")
            api.each_watch("watch", lambda watch: watch.end())
            api.wait_for_calls("watch", before + 2)
            assert {call.token for call in api.seen("watch")[before:]} == {fresh}
            api.wait_until_watched()
    assert not [call for call in api.seen() if call.status == 401]


def test_white_space_around_a_token_is_no_part_of_it(api, fleet, protect, volume):
    volume.rotate(token="\n  token-1 \r\n\n")
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(0))
    assert {call.token for call in api.seen()} == {"token-1"}


def test_a_token_that_cannot_be_read_is_no_reason_to_forget_the_last(api, fleet, protect, volume):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    os.rename(volume.token_file, volume.directory / "away")
    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch", lambda watch: watch.end())
        api.wait_for_calls("watch pods", 1)
        api.cluster.delete("b")
        sidecar.wait_refused(fleet.at(1))
        sidecar.wait_logged("token")
        os.rename(volume.directory / "away", volume.token_file)


def test_an_empty_token_is_never_sent(api, fleet, protect, volume):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    volume.rotate(token=" \n")
    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch", lambda watch: watch.end())
        api.wait_for_calls("watch pods", 1)
        api.wait_until_watched()
    assert {call.token for call in api.seen()} == {"token-1"}
