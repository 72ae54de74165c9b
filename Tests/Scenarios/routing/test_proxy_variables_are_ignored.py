"""HTTP_PROXY and its relatives would send a checked request to somebody unchecked."""

from harness import Engine, answers, response, routed


def test_no_request_goes_to_a_proxy(launch, prefiller):
    elsewhere = Engine(answers(response()))
    url = f"http://{elsewhere.address}"
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    try:
        sidecar = launch(env={name: url for name in names})
        assert routed(sidecar, prefiller).status == 200
        assert elsewhere.connection_count == 0 and len(prefiller.requests) == 1
    finally:
        elsewhere.close()
