"""An engine that takes up a websocket."""

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x")]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: y\r\n\r\n"
)


def echo(connection, request):
    assert request.one("upgrade").lower() == "websocket" and request.one("connection").lower() == "upgrade"
    connection.send(SWITCH + b"hello")
    connection.sock.settimeout(15)
    while data := connection.sock.recv(65536):
        connection.send(data)
    connection.close()
