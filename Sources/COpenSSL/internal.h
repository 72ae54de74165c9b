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
// Messages of TLS itself (new keys, tickets, refused renegotiations) that a peer may send without any data in between.
#define CO_MOST_IDLE 64
// Reads from the socket for one read of data. A record needs one or two.
#define CO_MOST_TURNS 4

struct co_context {
    SSL_CTX *ssl;
    int references;
    int is_server;
    uint32_t key;
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
    int fd;
    uint8_t drained;  // the last read from the socket got less than it asked for
    uint8_t blocked;  // the last read from the socket found nothing
    uint8_t at_end;   // the peer has closed its side
    uint8_t heard;    // the peer has sent a byte
    uint8_t opening[3];  // the first bytes that the peer sent
    uint8_t established;
    uint8_t cut;   // the peer is gone: nothing more is written, but what it said before may be read
    uint8_t over;  // TLS is broken: no operation may follow
    uint8_t idle;  // messages of TLS itself since the last data
    uint16_t turns;  // reads from the socket that this operation may still make
};

// A key that is not here: it has the public half of the certificate, and asks the connection at hand for signatures.
EVP_PKEY *co_remote_key(EVP_PKEY *public_key, uint32_t key);
int co_remote_provider_load(void);
// The connection whose handshake runs on this thread.
extern _Thread_local co_connection *co_current;

int co_verify_callback(int ok, X509_STORE_CTX *store);
// Nonzero: the certificate's time is over. NULL has not ended.
int co_has_ended(const X509 *certificate);
// A resumed handshake checks no certificate: 0 = the one that its session stands for has ended; words are in the failure.
int co_judge_resumed(co_connection *connection);
// Appends words to the failure of a connection.
void co_fail(co_connection *connection, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Takes what is in OpenSSL's queue of errors into the failure's words.
void co_fail_queue(co_connection *connection, const char *what);
int co_index(void);
// Counts what the peer says that is no data.
void co_note(const SSL *ssl, int where, int result);
int co_transport_prepare(void);
// Puts a connection's own socket under its TLS; 0 for lack of memory.
int co_transport_attach(co_connection *connection);

#endif
