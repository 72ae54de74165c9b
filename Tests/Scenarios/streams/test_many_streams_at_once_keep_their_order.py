"""A hundred streams through one loop: every event of each, in order, none of another."""

from harness import CHAT, ROUTE, as_json, ask, chunked_response, in_background, sse_event


def test_they_do(sidecar, decoder, prefiller):
    def script(connection, request):
        name = request.json()["user"]
        return chunked_response([sse_event(f"{name}-{number}-") for number in range(100)])

    decoder.script = script

    def one(name):
        body = as_json({"user": name, "stream": True})
        answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)] if int(name) % 2 else [], body)
        events = [event for event in answer.body.split(b"\n\n") if event]
        assert answer.complete and len(events) == 100
        assert all(f'"{name}-{number}-"'.encode() in event for number, event in enumerate(events))

    for result in [in_background(lambda name=name: one(str(name))) for name in range(100)]:
        result()
