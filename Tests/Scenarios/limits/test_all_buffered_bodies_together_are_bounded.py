"""--max-buffered-bytes bounds all bodies together: above it 503 with Retry-After, and service again afterwards."""

from harness import CHAT, Client, ask, assert_error, assert_works, request

BODY = b'{"a":"' + b"x" * 3_000_000 + b'"}'


def test_they_are(launch):
    sidecar = launch(max_body_bytes="4MiB", max_prefill_answer_bytes="1MiB", max_buffered_bytes="8MiB")
    raw = request("POST", CHAT, body=BODY)
    holding = []
    try:
        refused = None
        for _ in range(6):
            client = Client(sidecar.port, timeout=5)
            holding.append(client)
            client.send(raw[:-10])
            if not client.is_silent(1):
                refused = client.response()
                break
        assert refused is not None, "18 MB of bodies were taken into 8 MiB"
        assert_error(refused, 503)
        assert refused.one("retry-after").isdigit()
        assert len(holding) >= 2, "not even one body was taken"
        assert ask(sidecar.port, target="/small").status == 200
    finally:
        for client in holding:
            client.sock.close()
    sidecar.wait_until_quiet()
    assert ask(sidecar.port, "POST", CHAT, body=BODY).status == 200
    assert_works(sidecar)
