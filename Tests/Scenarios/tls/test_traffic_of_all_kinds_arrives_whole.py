"""Many clients at once, bodies of random sizes both ways, cut into pieces anywhere, connections kept and dropped, TLS on all
legs and in both versions: every byte arrives, and nothing waits for an event that has been."""

import hashlib
import random
import ssl
import time

import pytest

from harness import CHAT, PROMPT, ROUTE, encode_chunk, in_background, request, response

CLIENTS, SECONDS = 24, 2
OPAQUE = [("Content-Type", "application/octet-stream")]
SIZES = [0, 1, 100, 5000, 16384, 16400, 70_000, 300_000]


def noise(dice, size):
    """What begins with a brace could be JSON, and is looked at: that is another matter."""
    return b"R" + dice.randbytes(size - 1) if size else b""


def pieces(dice, data):
    """The same bytes, cut at a few places."""
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(6)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)])]


def engine_of_all_kinds(connection, request):
    """Answers what has arrived with its hash, and as many bytes as were asked for, in one of three framings."""
    if request.path == CHAT:
        return response(body={"served": CHAT})
    dice = random.Random(request.target)
    size = int(request.one("x-answer-size"))
    body = hashlib.sha256(request.body).digest() + noise(dice, size)
    kind = dice.choice(["length", "chunks", "drip"])
    if kind == "length":
        return response(body=body)
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in filter(None, pieces(dice, body)):
        for part in pieces(dice, encode_chunk(piece)) if kind == "drip" else [encode_chunk(piece)]:
            connection.send(part) if part else time.sleep(0.001)
    return b"0\r\n\r\n"


def one_exchange(client, dice, number, prefiller):
    if dice.random() < 0.2:
        assert client.ask("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
        return
    body, wanted = noise(dice, dice.choice(SIZES)), dice.choice(SIZES)
    target = f"/upload?{number}"
    raw = request("POST", target, [*OPAQUE, ("X-Answer-Size", str(wanted))], body)
    for piece in pieces(dice, raw):
        client.send(piece)
        if dice.random() < 0.1:
            time.sleep(0.002)
    answer = client.response("POST")
    assert answer.status == 200 and answer.complete, answer.body[:200]
    assert answer.body[:32] == hashlib.sha256(body).digest()
    expected = random.Random(target)
    assert answer.body[32:] == noise(expected, wanted)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_does(secure, certificates, tls_prefiller, version):
    secure.decoder.script = engine_of_all_kinds
    context = certificates.client(versions=(version, version))
    end = time.monotonic() + SECONDS

    def one_client(seed):
        dice, done = random.Random(seed), 0
        while time.monotonic() < end:
            with secure.connect(context) as client:
                for _ in range(dice.randrange(1, 8)):
                    one_exchange(client, dice, f"{seed}-{done}", tls_prefiller)
                    done += 1
        return done

    running = [in_background(lambda seed=seed: one_client(seed)) for seed in range(CLIENTS)]
    assert sum(result() for result in running) > CLIENTS
