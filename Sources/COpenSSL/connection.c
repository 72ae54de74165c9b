// One connection: handshake, bytes both ways, the goodbye.
#include "internal.h"

#include <errno.h>
#include <openssl/async.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_FAILURE 1024

int co_start_thread(size_t most, size_t ready) {
    return ASYNC_is_capable() && ASYNC_init_thread(most, ready) == 1;
}

// ---- Failures --------------------------------------------------------------------------------------------

void co_fail(co_connection *connection, const char *format, ...) {
    if (connection->failure == NULL) connection->failure = OPENSSL_zalloc(LONGEST_FAILURE);
    if (connection->failure == NULL) return;
    size_t used = strlen(connection->failure);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(connection->failure + used, LONGEST_FAILURE - used, format, arguments);
    va_end(arguments);
}

void co_fail_queue(co_connection *connection, const char *what) {
    unsigned long code = ERR_peek_error();
    if (connection->code == 0) connection->code = code;
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    const char *data = NULL;
    int flags = 0;
    ERR_peek_error_data(&data, &flags);
    co_fail(connection, "%s%s: %s", connection->failure == NULL ? "" : "; ", what,
            reason != NULL ? reason : "unknown reason");
    if (data != NULL && (flags & ERR_TXT_STRING) && data[0] != 0) co_fail(connection, " (%s)", data);
    ERR_clear_error();
}

const char *co_failure(const co_connection *connection) {
    return connection->failure == NULL ? "" : connection->failure;
}
int co_has_heard(const co_connection *connection) { return connection->opening[0] != 0; }
int co_is_plain_http(const co_connection *connection) {
    // libssl knows a few methods by itself; all of them are capital letters, and no record of TLS begins with one.
    for (int i = 0; i < 3; i++)
        if (connection->opening[i] < 'A' || connection->opening[i] > 'Z') return 0;
    return !connection->established;
}
unsigned long co_failure_code(const co_connection *connection) { return connection->code; }
long co_verify_result(const co_connection *connection) { return SSL_get_verify_result(connection->ssl); }

// ---- Making and freeing ----------------------------------------------------------------------------------

static co_connection *create(co_context *context, int fd) {
    ERR_clear_error();
    co_connection *connection = OPENSSL_zalloc(sizeof(*connection));
    if (connection == NULL) return NULL;
    connection->fd = fd;
    connection->ssl = SSL_new(context->ssl);
    if (connection->ssl == NULL || !co_transport_attach(connection)
        || !SSL_set_ex_data(connection->ssl, co_index(), connection)) {
        SSL_free(connection->ssl);
        OPENSSL_free(connection);
        ERR_clear_error();
        return NULL;
    }
    __atomic_add_fetch(&context->references, 1, __ATOMIC_RELAXED);
    connection->context = context;
    // Jobs serve the handshake alone; afterwards nothing of ours is ever signed.
    if (context->key != 0) SSL_set_mode(connection->ssl, SSL_MODE_ASYNC);
    return connection;
}

co_connection *co_accept(co_context *context, int fd) {
    if (!context->is_server) return NULL;
    co_connection *connection = create(context, fd);
    if (connection != NULL) SSL_set_accept_state(connection->ssl);
    return connection;
}

co_connection *co_connect(co_context *context, int fd, const char *name, const uint8_t *address, size_t address_count) {
    if (context->is_server) return NULL;
    co_connection *connection = create(context, fd);
    if (connection == NULL) return NULL;
    SSL_set_connect_state(connection->ssl);
    X509_VERIFY_PARAM *parameters = SSL_get0_param(connection->ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int ok = 1;
    if (name != NULL)
        ok = X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1 && SSL_set_tlsext_host_name(connection->ssl, name) == 1;
    else if (address != NULL)
        ok = X509_VERIFY_PARAM_set1_ip(parameters, address, address_count) == 1;
    if (ok) return connection;
    co_free(connection);
    return NULL;
}

void co_free(co_connection *connection) {
    if (connection == NULL) return;
    if (connection->waiting != NULL) {
        // The job must end before its connection does. It sends nobody anything: the socket may be another's by now.
        SSL_set0_rbio(connection->ssl, BIO_new(BIO_s_null()));
        SSL_set0_wbio(connection->ssl, BIO_new(BIO_s_null()));
        connection->waiting->count = 0;
        connection->waiting->answered = 1;
        co_handshake(connection);
    }
    // Without a goodbye OpenSSL would take the session for spoiled; it is only when something was wrong.
    if (connection->established && !connection->over)
        SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_SESSION_free(connection->session);
    SSL_free(connection->ssl);
    co_context_free(connection->context);
    OPENSSL_free(connection->failure);
    OPENSSL_free(connection);
    ERR_clear_error();
}

// ---- Operations ------------------------------------------------------------------------------------------

// What became of an operation that did not succeed.
static co_outcome judge(co_connection *connection, int result, int error_number, const char *what) {
    int error = SSL_get_error(connection->ssl, result);
    switch (error) {
        case SSL_ERROR_WANT_READ: return CO_WANTS_READ;
        case SSL_ERROR_WANT_WRITE: return CO_WANTS_WRITE;
        case SSL_ERROR_WANT_ASYNC: return CO_WANTS_SIGNATURE;
        case SSL_ERROR_WANT_ASYNC_JOB: return CO_WANTS_TURN;
        case SSL_ERROR_ZERO_RETURN: return CO_CLOSED;
        default: break;
    }
    if (error == SSL_ERROR_SYSCALL) {
        connection->over = CO_CUT;
        ERR_clear_error();
        co_fail(connection, "%s: %s", what, error_number == 0 ? "the peer hung up" : strerror(error_number));
        return CO_CUT;
    }
    unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        connection->over = CO_CUT;
        connection->code = code;
        ERR_clear_error();
        co_fail(connection, "%s: the peer hung up without a goodbye", what);
        return CO_CUT;
    }
    connection->over = CO_FAILED;
    co_fail_queue(connection, what);
    return CO_FAILED;
}

static int has_ended(const X509 *certificate) {
    return certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

co_outcome co_handshake(co_connection *connection) {
    if (connection->established) return CO_DONE;
    if (connection->over) return connection->over;
    if (connection->waiting != NULL && !connection->waiting->answered) return CO_WANTS_SIGNATURE;
    ERR_clear_error();
    errno = 0;
    co_connection *outer = co_current;
    co_current = connection;
    int result = SSL_do_handshake(connection->ssl);
    int error_number = errno;
    co_current = outer;
    if (result != 1) return judge(connection, result, error_number, "handshake");
    // A session stands for a check of the peer's certificate, and must not outlive it.
    if (SSL_session_reused(connection->ssl) && has_ended(SSL_get0_peer_certificate(connection->ssl))) {
        connection->over = CO_FAILED;
        co_fail(connection, "handshake: the certificate that the peer showed in an earlier connection has expired");
        return CO_FAILED;
    }
    connection->established = 1;
    SSL_clear_mode(connection->ssl, SSL_MODE_ASYNC);
    return CO_DONE;
}

co_outcome co_read(co_connection *connection, void *bytes, size_t count, size_t *done) {
    *done = 0;
    if (connection->over) return connection->over;
    if (!connection->established) return CO_FAILED;
    // Only what this call itself finds out counts: an older answer may be older than the event that led here.
    connection->drained = 0;
    connection->blocked = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(connection->ssl, bytes, count, done);
    if (result == 1) {
        connection->barren = 0;
        return CO_DONE;
    }
    int error_number = errno;
    co_outcome outcome = judge(connection, result, error_number, "read");
    // Behind records without data the end may stand: only a socket that would have made us wait holds nothing more.
    if (outcome != CO_WANTS_READ || connection->blocked) return outcome;
    if (++connection->barren <= CO_MOST_BARREN) return CO_AGAIN;
    connection->over = CO_FAILED;
    co_fail(connection, "read: too many records without data");
    return CO_FAILED;
}

co_outcome co_write(co_connection *connection, const void *bytes, size_t count, size_t *done) {
    *done = 0;
    if (connection->no_more_writing) return CO_CUT;
    if (connection->over) return connection->over;
    if (!connection->established) return CO_FAILED;
    if (count == 0) return CO_DONE;
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(connection->ssl, bytes, count, done);
    if (result == 1) return CO_DONE;
    int error_number = errno;
    co_outcome outcome = judge(connection, result, error_number, "write");
    // Whoever has closed its side may have said why before.
    if (outcome == CO_CUT) {
        connection->no_more_writing = 1;
        connection->over = 0;
    }
    return outcome;
}

co_outcome co_shutdown(co_connection *connection) {
    if (connection->over || connection->no_more_writing || !connection->established) return CO_DONE;
    ERR_clear_error();
    errno = 0;
    int result = SSL_shutdown(connection->ssl);
    // 0: ours is out, the peer's has not been seen. We don't wait for it.
    if (result >= 0) return CO_DONE;
    int error_number = errno;
    return judge(connection, result, error_number, "goodbye");
}

int co_has_pending(const co_connection *connection) { return SSL_has_pending(connection->ssl); }

// ---- Signatures ------------------------------------------------------------------------------------------

const co_request *co_signature_request(const co_connection *connection) {
    if (connection->waiting == NULL || connection->waiting->answered) return NULL;
    return &connection->waiting->request;
}

int co_signature(co_connection *connection, const uint8_t *bytes, size_t count) {
    if (connection->waiting == NULL || connection->waiting->answered || count > CO_LONGEST_SIGNATURE) return 0;
    if (count > 0) memcpy(connection->waiting->signature, bytes, count);
    connection->waiting->count = count;
    connection->waiting->answered = 1;
    if (count == 0) co_fail(connection, "there was no signature");
    return 1;
}

// ---- What came of it -------------------------------------------------------------------------------------

int co_version(const co_connection *connection) { return SSL_version(connection->ssl); }
const char *co_suite(const co_connection *connection) {
    const SSL_CIPHER *cipher = SSL_get_current_cipher(connection->ssl);
    return cipher == NULL ? "" : SSL_CIPHER_standard_name(cipher);
}
int co_resumed(const co_connection *connection) { return SSL_session_reused(connection->ssl); }

size_t co_protocol(const co_connection *connection, const uint8_t **name) {
    unsigned count = 0;
    SSL_get0_alpn_selected(connection->ssl, name, &count);
    return count;
}

const char *co_server_name(const co_connection *connection) {
    return SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);
}

// A session is OpenSSL's own; the other name keeps OpenSSL's headers out of Swift.
co_session *co_take_session(co_connection *connection) {
    SSL_SESSION *session = connection->session;
    connection->session = NULL;
    return (co_session *)session;
}

int co_offer_session(co_connection *connection, co_session *session) {
    if (has_ended(SSL_SESSION_get0_peer((SSL_SESSION *)session))) return 0;
    return SSL_set_session(connection->ssl, (SSL_SESSION *)session) == 1;
}

void co_session_free(co_session *session) { SSL_SESSION_free((SSL_SESSION *)session); }
int co_session_resumable(const co_session *session) {
    return SSL_SESSION_is_resumable((const SSL_SESSION *)session);
}
