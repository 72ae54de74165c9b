"""Every refusal is counted by its reason; the log has at most ten lines a minute, in which the value is data."""

import json
import re

from harness import CHAT, PROMPT, ROUTE, Client, Engine, ask, assert_error, prefills, request, wait_for

FORGED = 'x","level":"error","message":"forged'


def refused(sidecar, value, times=1):
    with Client(sidecar.port) as client:
        for _ in range(times):
            client.send(request("POST", CHAT, [(ROUTE, value)], PROMPT))
            assert client.response().status in (400, 403)


def lines(sidecar):
    """The log as documents; a line that is none fails here."""
    return [json.loads(line) for line in list(sidecar.log_lines)]


def about_targets(sidecar, count):
    """That many lines about refused targets, and not one more."""
    def found():
        return [line for line in lines(sidecar) if line["message"] == "a prefill target was refused"]

    wait_for(lambda: len(found()) >= count, f"{count} lines in the log", timeout=5)
    sidecar.wait_until_quiet()
    assert len(found()) == count
    return found()


def start(launch, prefiller):
    return launch(enable_ssrf_protection=True, handoff_host_check="off", allow=prefiller.address)


def test_all_are_counted_and_ten_are_logged(launch, prefiller):
    sidecar = start(launch, prefiller)
    refused(sidecar, "127.0.0.4:80", 40)
    refused(sidecar, f"127.0.0.1:{prefiller.port - 1}", 30)
    refused(sidecar, "nonsense", 20)
    for reason, count in (("not_in_pool", 40), ("port_not_allowed", 30), ("malformed", 20), ("forbidden_address", 0)):
        assert sidecar.metric("ssrf_blocked_total", reason=reason) == count, reason
    # The scenario takes less than the minute for which ten lines are meant.
    about_targets(sidecar, 10)
    assert prefiller.connection_count == 0


def test_a_line_names_target_reason_and_client(launch, prefiller):
    sidecar = start(launch, prefiller)
    refused(sidecar, "[::FFFF:127.0.0.4]:80")
    refused(sidecar, f"127.0.0.1:{prefiller.port - 1}")
    logged = about_targets(sidecar, 2)
    assert [(line["level"], line["target"], line["reason"]) for line in logged] == [
        ("warning", "127.0.0.4:80", "not_in_pool"), ("warning", f"127.0.0.1:{prefiller.port - 1}", "port_not_allowed")]
    assert all(re.match(r"127\.0\.0\.1(:\d+)?$", line["client"]) for line in logged)


def test_a_value_that_looks_like_a_log_line_stays_a_value(launch, prefiller):
    sidecar = start(launch, prefiller)
    values = [FORGED, "a\tlevel=error\treason=forged", "\\u0000\\n\\", "\xff\xfe\x80", "${jndi:x}", "x" * 5000]
    for value in values:
        refused(sidecar, value)
    found = about_targets(sidecar, len(values))
    assert all(line["reason"] == "malformed" for line in found)
    assert found[0]["target"] == FORGED and found[2]["target"] == "\\u0000\\n\\"
    assert len(found[-1]["target"]) <= 1000
    assert not [line for line in lines(sidecar) if "forged" in (line["message"], line.get("reason"))]


def test_the_answer_does_not_repeat_the_value(launch, prefiller):
    sidecar = start(launch, prefiller)
    for value, status in (("127.0.0.4:81", 403), ("http://<script>:1", 400)):
        answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, value)], PROMPT)
        assert_error(answer, status)
        assert value.encode() not in answer.body and prefiller.address.encode() not in answer.body


def test_what_is_passed_over_is_counted_though_the_request_is_served(launch, prefiller):
    sidecar = start(launch, prefiller)
    canary = Engine(prefills(), host="127.0.0.4")
    try:
        value = f"{canary.address},{prefiller.address}"
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, value)], PROMPT).status == 200
        assert sidecar.metric("ssrf_blocked_total", reason="not_in_pool") == 1
        assert canary.connection_count == 0 and len(prefiller.requests) == 1
    finally:
        canary.close()
