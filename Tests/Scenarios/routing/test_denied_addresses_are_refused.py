"""--deny closes addresses, networks and single ports; the API server's address is closed without being named."""

from harness import CHAT, PROMPT, ROUTE, Engine, ask, assert_error, prefills, routed


def test_one_port(launch, prefiller):
    other = Engine(prefills())
    sidecar = launch(deny=prefiller.address)
    try:
        assert_error(routed(sidecar, prefiller), 403)
        assert prefiller.connection_count == 0
        assert routed(sidecar, other).status == 200
    finally:
        other.close()


def test_a_network(launch, prefiller):
    sidecar = launch(deny="127.0.0.0/30,10.0.0.0/8")
    assert_error(routed(sidecar, prefiller), 403)
    assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, f"[::ffff:127.0.0.1]:{prefiller.port}")], PROMPT), 403)
    assert prefiller.connection_count == 0


def test_the_api_server_of_the_environment(launch, prefiller):
    variables = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(prefiller.port)}
    sidecar = launch(env=variables)
    assert_error(routed(sidecar, prefiller), 403)
    assert prefiller.connection_count == 0
