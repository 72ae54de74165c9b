// What the parts of the shim share.
#ifndef COPENSSL_INTERNAL_H
#define COPENSSL_INTERNAL_H

#include "COpenSSL.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define CO_MOST_NAMES 64
#define CO_LONGEST_NAME 512
// A read takes in up to 16 KiB. Key updates and tickets fill a few bytes; who sends nothing else wants our time.
#define CO_MOST_BARREN 16

struct co_context {
    SSL_CTX *ssl;
    int references;
    int is_server;
    uint32_t key;
    int64_t expiry;
    uint8_t protocols[64];
    size_t protocol_count;
    char *names[CO_MOST_NAMES];
    size_t name_count;
    char error[256];
};

// Only while a signature is awaited, so that a connection that lives on doesn't carry it.
typedef struct {
    co_request request;
    uint8_t signature[CO_LONGEST_SIGNATURE];
    size_t count;
    int answered;
} co_waiting;

struct co_connection {
    SSL *ssl;
    co_context *context;
    co_waiting *waiting;
    SSL_SESSION *session;
    char *failure;
    unsigned long code;
    int fd;
    uint8_t drained;  // the last read from the socket got less than it asked for
    uint8_t blocked;  // it got nothing, and would have waited
    uint8_t at_end;   // the peer has closed its side
    uint8_t opening[3];  // the first bytes that the peer sent
    uint8_t established;
    uint8_t over;     // CO_FAILED or CO_CUT: after an error no operation may follow
    uint8_t no_more_writing;  // a write has failed, but what the peer said before can be read
    uint8_t barren;   // reads in a row that gave records and no data
};

// A key that is not here: it has the public half of the certificate, and asks the connection at hand for signatures.
EVP_PKEY *co_remote_key(EVP_PKEY *public_key, uint32_t key);
int co_remote_provider_load(void);
// The connection whose handshake runs on this thread.
extern _Thread_local co_connection *co_current;

int co_verify_callback(int ok, X509_STORE_CTX *store);
// Appends words to the failure of a connection.
void co_fail(co_connection *connection, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Takes what is in OpenSSL's queue of errors into the failure's words.
void co_fail_queue(co_connection *connection, const char *what);
int co_index(void);
int co_transport_prepare(void);
// Puts a connection's own socket under its TLS; 0 for lack of memory.
int co_transport_attach(co_connection *connection);

#endif
