"""Uploads and other bodies whose first visible byte opens no JSON container arrive byte for byte."""

import os

import pytest

from harness import ask

FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    + bytes(range(256)) * 64
    + b'\r\n--edge\r\nContent-Disposition: form-data; name="kv_transfer_params"\r\n\r\n{}\r\n--edge--\r\n'
)
BODIES = {
    "a form": ("multipart/form-data; boundary=edge", FORM),
    "url encoded": ("application/x-www-form-urlencoded", b"a=1&kv_transfer_params=%7B%7D"),
    "text": ("text/plain", b'text {"kv_transfer_params":{}}'),
    "random bytes": ("application/octet-stream", b"R" + os.urandom(300_000)),
    "one byte": ("text/plain", b"x"),
    "an empty body": ("text/plain", b""),
}


@pytest.mark.parametrize("content_type,body", BODIES.values(), ids=BODIES.keys())
def test_it_arrives_as_it_was_sent(sidecar, decoder, content_type, body):
    assert ask(sidecar.port, "POST", "/v1/audio/transcriptions", [("Content-Type", content_type)], body).status == 200
    assert decoder.the_request().body == body
    assert decoder.the_request().all("content-type") == [content_type]


def test_a_post_without_a_body(sidecar, decoder):
    answer = ask(sidecar.port, "POST", "/sleep")
    assert answer.status == 200 and decoder.the_request().body == b""
