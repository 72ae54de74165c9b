"""Nobody waits for the answer any more: the prefiller's connection is closed and the decoder is never asked."""

import time

from harness import CHAT, PROMPT, ROUTE, Client, assert_works, request, wait_for


def test_it_does(sidecar, decoder, prefiller):
    gone = []
    prefiller.script = lambda connection, request: gone.append(connection.closed_by_peer(15)) or connection.close()
    client = Client(sidecar.port)
    client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT))
    prefiller.wait_for_requests(1)
    client.sock.close()
    wait_for(lambda: gone == [True], "the prefill to be cancelled", 5)
    time.sleep(0.2)
    assert decoder.requests == []
    prefiller.reset()
    assert_works(sidecar, prefiller)


def test_a_pipelined_request_behind_it_does_not_hide_the_leaving(sidecar, decoder, prefiller):
    gone = []
    prefiller.script = lambda connection, request: gone.append(connection.closed_by_peer(15)) or connection.close()
    client = Client(sidecar.port)
    client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT) + request("GET", "/next"))
    prefiller.wait_for_requests(1)
    client.sock.close()
    wait_for(lambda: gone == [True], "the prefill to be cancelled", 5)


def test_a_client_that_leaves_in_its_body_reaches_nobody(sidecar, decoder, prefiller):
    raw = request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT)
    for length in (10, len(raw) - len(PROMPT), len(raw) - 1):
        with Client(sidecar.port) as client:
            client.send(raw[:length])
            time.sleep(0.05)
    time.sleep(0.2)
    assert decoder.requests == [] and prefiller.requests == []
