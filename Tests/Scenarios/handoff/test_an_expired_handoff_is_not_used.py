"""vLLM answers an expired handoff with silently wrong text, so the whole decode request must be with the decoder in
time: else 502 handoff_expired, and what was sent of it is cut off."""

import threading

from harness import Engine, assert_error, assert_works, decodes, routed

LARGE = b'{"prompt":"' + b"x" * (24 << 20) + b'"}'  # more than the kernel holds on the way to a decoder that is stuck


def test_a_decoder_that_does_not_read_in_time(launch, prefiller):
    decoder = Engine(decodes, receive_buffer=65536)
    sidecar = launch(decoder, handoff_max_age="2s", max_body_bytes="32MiB", max_buffered_bytes="128MiB")
    gone = threading.Event()

    def stall(connection, request):
        threading.Event().wait(4)
        try:
            while connection.sock.recv(1 << 20):
                pass
        finally:  # an end by FIN and one by RST are both the end
            gone.set()
            connection.close()

    decoder.read_bodies = False
    decoder.script = stall
    assert_error(routed(sidecar, prefiller, LARGE), 502, "handoff_expired")
    assert gone.wait(10), "the rest of the body kept coming"
    decoder.reset()
    assert_works(sidecar, prefiller)


def test_a_slow_decode_after_the_body_arrived_is_no_expiry(launch, prefiller):
    sidecar = launch(handoff_max_age="1s")

    def slow(connection, request):
        threading.Event().wait(2.5)
        return decodes(connection, request)

    sidecar.decoder.script = slow
    assert routed(sidecar, prefiller).status == 200


def test_a_slow_prefill_is_no_expiry(launch, prefiller):
    sidecar = launch(handoff_max_age="1s", prefill_timeout="10s")
    answer_at_once = prefiller.script

    def slow(connection, request):
        threading.Event().wait(2.5)
        return answer_at_once(connection, request)

    prefiller.script = slow
    assert routed(sidecar, prefiller).status == 200
