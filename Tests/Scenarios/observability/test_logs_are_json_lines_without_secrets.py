"""Every log line is one JSON object with component and pid; bodies, tokens and control characters never get there."""

import json

from harness import CHAT, COMPLETIONS, ROUTE, answers, ask, response, routed

SECRETS = ["prompt-of-a-client", "Bearer-of-a-client", "cookie-of-a-client", "answer-of-an-engine", "key-in-a-query"]


def test_they_are(launch, prefiller):
    sidecar = launch(log_level="trace", log_requests=True)
    body = json.dumps({"prompt": SECRETS[0], "kv_transfer_params": {"x": SECRETS[0]}}).encode()
    headers = [("Authorization", SECRETS[1]), ("Cookie", SECRETS[2]), ("X-Request-Id", "the-request-id")]
    target = COMPLETIONS + "?api_key=" + SECRETS[4]
    assert routed(sidecar, prefiller, body, target, headers).status == 200
    assert ask(sidecar.port, "POST", CHAT, headers, body).status == 200
    for status in (400, 500):
        prefiller.script = answers(response(status, {"error": {"message": SECRETS[3]}}))
        assert routed(sidecar, prefiller, body, target, headers).status == status
    prefiller.script = answers(response(200, SECRETS[3].encode()))
    assert routed(sidecar, prefiller, body, target, headers).status == 502
    assert ask(sidecar.port, "POST", CHAT, [*headers, (ROUTE, "169.254.169.254:1")], body).status == 403
    assert ask(sidecar.port, "POST", CHAT, headers, body[:-1]).status == 400
    sidecar.stop()
    for line in sidecar.log_lines:
        document = json.loads(line)
        assert isinstance(document, dict) and document["component"] and isinstance(document["pid"], int), line
        assert "\x1b" not in line
    text = sidecar.log_text()
    assert not [secret for secret in SECRETS if secret in text], text
    assert "the-request-id" in text
    assert {"supervisor", "proxy"} <= {json.loads(line)["component"] for line in sidecar.log_lines}


def test_what_a_client_writes_cannot_forge_a_line(launch):
    sidecar = launch(log_level="trace", log_requests=True)
    forged = '{"component":"supervisor","pid":1,"message":"forged"}'
    ask(sidecar.port, "POST", CHAT, [(ROUTE, forged), ("X-Request-Id", forged), ("User-Agent", forged)], b"{}")
    ask(sidecar.port, target="/%0a" + forged.replace(" ", ""))
    sidecar.stop()
    assert not [line for line in sidecar.log_lines if json.loads(line).get("message") == "forged"]


def test_a_connect_refusal_is_logged_with_its_request(launch):
    sidecar = launch()
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, "169.254.169.254:1"), ("X-Request-Id", "denied-one")], b"{}")
    assert answer.status == 403
    sidecar.stop()
    assert "denied-one" in sidecar.log_text()
