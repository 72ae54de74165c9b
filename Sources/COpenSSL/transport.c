// How OpenSSL reads and writes a connection's socket. Its own socket BIO would do, but for two things: a write to a peer
// that is gone would raise SIGPIPE, and nobody would know whether a read has emptied the socket, which saves an
// edge-triggered loop the read that finds nothing.
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static BIO_METHOD *method;

static int receive(BIO *bio, char *out, size_t count, size_t *done) {
    co_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = recv(connection->fd, out, count, 0);
    connection->drained = n < (ssize_t)count;
    connection->blocked = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n > 0) {
        if (connection->opening[0] == 0) memcpy(connection->opening, out, (size_t)n < 3 ? (size_t)n : 3);
        *done = (size_t)n;
        return 1;
    }
    *done = 0;
    if (n == 0) {
        connection->at_end = 1;
    } else if (errno == EAGAIN || errno == EINTR) {
        BIO_set_retry_read(bio);
    }
    return 0;
}

static int transmit(BIO *bio, const char *bytes, size_t count, size_t *done) {
    co_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(connection->fd, bytes, count, MSG_NOSIGNAL);
    *done = n > 0 ? (size_t)n : 0;
    if (n > 0) return 1;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return 0;
}

static long control(BIO *bio, int what, long number, void *pointer) {
    (void)number;
    (void)pointer;
    switch (what) {
        case BIO_CTRL_FLUSH: return 1;
        // Asked by libssl to tell an end from an error.
        case BIO_CTRL_EOF: return ((co_connection *)BIO_get_data(bio))->at_end;
        default: return 0;
    }
}

int co_transport_prepare(void) {
    if (method != NULL) return 1;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    return method != NULL && BIO_meth_set_read_ex(method, receive) && BIO_meth_set_write_ex(method, transmit)
        && BIO_meth_set_ctrl(method, control);
}

int co_transport_attach(co_connection *connection) {
    BIO *bio = BIO_new(method);
    if (bio == NULL) return 0;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    // One for both directions: libssl takes over the one reference.
    SSL_set_bio(connection->ssl, bio, bio);
    return 1;
}

int co_is_drained(const co_connection *connection) { return connection->drained && !SSL_has_pending(connection->ssl); }
