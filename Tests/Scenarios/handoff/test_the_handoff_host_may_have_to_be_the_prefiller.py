"""With --handoff-host-check prefiller the decoder is only ever sent to the machine that was asked; the error or its
log line names the variable that an operator has to set on the prefiller."""

from harness import HANDOFF, assert_error, prefills, routed, wait_for

ELSEWHERE = HANDOFF.replace(b'"127.0.0.1"', b'"10.9.8.7"')
NAME = HANDOFF.replace(b'"127.0.0.1"', b'"prefill-0"')


def test_another_host_is_refused(launch, prefiller):
    sidecar = launch(handoff_host_check="prefiller")
    for value in (ELSEWHERE, NAME):
        prefiller.script = prefills(value)
        message = assert_error(routed(sidecar, prefiller), 502, "invalid_prefill_handoff")
        wait_for(lambda said=message: "VLLM_NIXL_SIDE_CHANNEL_HOST" in said + sidecar.log_text(), "the variable named")
    assert sidecar.decoder.requests == []
    prefiller.script = prefills()
    assert routed(sidecar, prefiller).status == 200


def test_off_lets_it_pass(launch, prefiller):
    sidecar = launch(handoff_host_check="off")
    prefiller.script = prefills(ELSEWHERE)
    assert routed(sidecar, prefiller, b"{}").status == 200
    assert ELSEWHERE in sidecar.decoder.the_request().body
