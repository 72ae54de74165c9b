"""Records of TLS 1.3 that ask for nothing but new keys, as many as one likes: no program sends them by itself."""

import ctypes

ssl = ctypes.CDLL("libssl.so.3")
crypto = ctypes.CDLL("libcrypto.so.3")
pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
for library, name, result, arguments in [
    (ssl, "TLS_client_method", pointer, []), (ssl, "TLS_server_method", pointer, []),
    (ssl, "SSL_CTX_new", pointer, [pointer]), (ssl, "SSL_new", pointer, [pointer]),
    (ssl, "SSL_CTX_use_certificate_chain_file", number, [pointer, text]),
    (ssl, "SSL_CTX_use_PrivateKey_file", number, [pointer, text, number]),
    (ssl, "SSL_set_fd", number, [pointer, number]), (ssl, "SSL_connect", number, [pointer]),
    (ssl, "SSL_accept", number, [pointer]), (ssl, "SSL_key_update", number, [pointer, number]),
    (ssl, "SSL_do_handshake", number, [pointer]), (ssl, "SSL_get_rbio", pointer, [pointer]),
    (ssl, "SSL_set0_wbio", None, [pointer, pointer]), (ssl, "SSL_read", number, [pointer, pointer, number]),
    (ssl, "SSL_write", number, [pointer, pointer, number]),
    (crypto, "BIO_new", pointer, [pointer]), (crypto, "BIO_s_mem", pointer, []),
    (crypto, "BIO_read", number, [pointer, pointer, number]),
]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


class NewKeys:
    """One end of a connection over a blocking socket. What it says goes into `records()`; the scenario sends it."""

    def __init__(self, sock, pair=None):
        self.sock = sock
        context = ssl.SSL_CTX_new(ssl.TLS_server_method() if pair else ssl.TLS_client_method())
        if pair:
            assert ssl.SSL_CTX_use_certificate_chain_file(context, str(pair[0]).encode()) == 1
            assert ssl.SSL_CTX_use_PrivateKey_file(context, str(pair[1]).encode(), 1) == 1
        self.tls = ssl.SSL_new(context)
        # Python's sockets with a time limit don't block.
        sock.settimeout(None)
        ssl.SSL_set_fd(self.tls, sock.fileno())
        assert (ssl.SSL_accept if pair else ssl.SSL_connect)(self.tls) == 1
        self.out = crypto.BIO_new(crypto.BIO_s_mem())
        ssl.SSL_set0_wbio(self.tls, self.out)

    def new_keys(self, count, wants_theirs=False):
        """So many changes of our keys."""
        for _ in range(count):
            assert ssl.SSL_key_update(self.tls, 1 if wants_theirs else 0) == 1
            assert ssl.SSL_do_handshake(self.tls) == 1
        return self.records()

    def data(self, content):
        assert ssl.SSL_write(self.tls, content, len(content)) == len(content)
        return self.records()

    def records(self):
        room, found = ctypes.create_string_buffer(1 << 20), b""
        while (count := crypto.BIO_read(self.out, room, len(room))) > 0:
            found += room.raw[:count]
        return found

    def read(self):
        """Data from the other end; empty at its end, however it ends."""
        room = ctypes.create_string_buffer(65536)
        count = ssl.SSL_read(self.tls, room, len(room))
        return room.raw[: max(0, count)]
