"""At --max-connections nobody more is accepted, and nobody is refused: the next one waits in the kernel's queue."""

from harness import Client, request, wait_for


def test_they_do(launch):
    sidecar = launch(max_connections=20)
    held = []
    try:
        for number in range(20):
            client = Client(sidecar.port)
            client.send(request("GET", f"/{number}"))
            assert client.response().status == 200
            held.append(client)
        wait_for(lambda: sidecar.metric("sidecar_connections_open", side="client") == 20, "20 open connections")
        with Client(sidecar.port) as waiting:
            waiting.send(request("GET", "/waiting"))
            assert waiting.is_silent(1)
            held[3].send(request("GET", "/held"))
            assert held[3].response().json()["served"] == "/held"
            held.pop(0).sock.close()
            assert waiting.response().json()["served"] == "/waiting"
    finally:
        for client in held:
            client.sock.close()
    sidecar.wait_for_metric(0, "sidecar_connections_open", side="client")
