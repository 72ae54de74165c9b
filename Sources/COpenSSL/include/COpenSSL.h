// TLS over OpenSSL 3 on non-blocking sockets, from memory: no file is ever opened, and no private key is ever here.
// Where a handshake needs a signature, it stops (CO_WANTS_SIGNATURE) until somebody else has made it.
//
// Nothing here decides anything beyond what TLS itself decides; the settings come from Sources/TLS.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// ---- The process and its threads -------------------------------------------------------------------------

// Prepares OpenSSL without its configuration file. Once, before any thread begins; 1 = done.
int co_start(void);
// Makes the stacks on which the handshakes of this thread wait for signatures: `most` at once, `ready` of them at once
// made. 1 = done.
int co_start_thread(size_t most, size_t ready);
// The version of the library that is linked.
const char *co_library_version(void);
// Nonzero if this build of OpenSSL knows of kernel TLS.
int co_has_kernel_tls(void);

// ---- Contexts --------------------------------------------------------------------------------------------

typedef struct co_context co_context;

#define CO_TLS_1_2 0x0303
#define CO_TLS_1_3 0x0304

#define CO_VERIFY_NONE 0
#define CO_VERIFY_OPTIONAL 1
#define CO_VERIFY_REQUIRED 2

// What all connections of one kind share; it may be used by several threads once it is set up. NULL for lack of memory.
co_context *co_context_create(int is_server);
// Contexts are counted: each connection holds its own.
void co_context_free(co_context *context);
// Each of these returns 1, or 0 with words in co_context_error.
int co_context_versions(co_context *context, int lowest, int highest);
// Names as OpenSSL spells them, separated by colons; NULL = leave the default.
int co_context_suites(co_context *context, const char *tls12, const char *tls13);
// Protocols in the form of RFC 7301: each behind a byte with its length.
int co_context_protocols(co_context *context, const uint8_t *list, size_t count);
// A chain in PEM, leaf first, whose private key somebody else knows as number `key`.
int co_context_identity(co_context *context, const uint8_t *pem, size_t count, uint32_t key);
// Adds authorities in PEM; `added` = how many there were. What comes twice counts once.
int co_context_authorities(co_context *context, const uint8_t *pem, size_t count, size_t *added);
int co_context_verify(co_context *context, int how);
// The peer's certificate must bear one of these names; none = any. `text` = "DNS:name" or "URI:uri".
int co_context_allow_name(co_context *context, const char *text);
int co_context_tickets(co_context *context, int wanted, long seconds);
// Seconds since 1970 at which the identity's leaf ends; 0 without one.
int64_t co_context_expiry(const co_context *context);
// The number of a key that is not ours, as it was given; 0 without an identity.
uint32_t co_context_key(const co_context *context);
const char *co_context_error(const co_context *context);
// The SSL_CTX itself, for tests.
void *co_context_native(co_context *context);

// ---- Sessions --------------------------------------------------------------------------------------------

// What lets a later connection skip the certificates. Secret, and of one context only.
typedef struct co_session co_session;
void co_session_free(co_session *session);
// Nonzero while it can still be used.
int co_session_resumable(const co_session *session);

// ---- Connections -----------------------------------------------------------------------------------------

typedef struct co_connection co_connection;

typedef enum {
    CO_DONE = 0,
    CO_WANTS_READ = 1,
    CO_WANTS_WRITE = 2,
    CO_WANTS_SIGNATURE = 3,
    CO_CLOSED = 4,  // the peer said goodbye
    CO_CUT = 5,     // the peer is gone without a goodbye: what came may not be all
    CO_FAILED = 6,  // words in co_failure
    CO_AGAIN = 8,  // a record without data was read: there may be more behind it, and no event will tell
    CO_WANTS_TURN = 7,  // too many handshakes wait for a signature: try again when one of them goes on
} co_outcome;

// A connection over a non-blocking socket that stays the caller's. `name`: what the peer's certificate must be for, as a
// DNS name (also sent as SNI) or `address` as 4 or 16 bytes; both NULL = no check of names. NULL for lack of memory.
co_connection *co_connect(co_context *context, int fd, const char *name, const uint8_t *address, size_t address_count);
co_connection *co_accept(co_context *context, int fd);
// Frees it, also while it waits for a signature. Sends nothing.
void co_free(co_connection *connection);

co_outcome co_handshake(co_connection *connection);
// Up to `count` bytes; `*done` = how many.
co_outcome co_read(co_connection *connection, void *bytes, size_t count, size_t *done);
co_outcome co_write(co_connection *connection, const void *bytes, size_t count, size_t *done);
// Says goodbye.
co_outcome co_shutdown(co_connection *connection);
// Nonzero: bytes have been read from the socket that nobody has taken yet, so that no event will tell of them.
int co_has_pending(const co_connection *connection);
// Nonzero: the last read has emptied the socket and everything has been given; the next event tells of more.
int co_is_drained(const co_connection *connection);

// Why an operation failed, in words for a log; the text lives as long as the connection.
const char *co_failure(const co_connection *connection);
// The error of OpenSSL behind it, 0 = none; and of certificate verification (X509_V_OK = 0).
// Nonzero: the peer has sent something.
int co_has_heard(const co_connection *connection);
// Nonzero: the client spoke plain HTTP.
int co_is_plain_http(const co_connection *connection);
unsigned long co_failure_code(const co_connection *connection);
long co_verify_result(const co_connection *connection);

// ---- Signatures ------------------------------------------------------------------------------------------

// The longest content that is to be signed, and the longest signature, in bytes.
#define CO_LONGEST_CONTENT 320
#define CO_LONGEST_SIGNATURE 1024

typedef struct {
    uint32_t key;
    uint16_t algorithm;  // a SignatureScheme of RFC 8446, 4.2.3
    uint8_t is_digest;   // the content is hashed already (a client's CertificateVerify of TLS 1.2)
    uint16_t count;
    uint8_t content[CO_LONGEST_CONTENT];
} co_request;

// What the handshake waits for; NULL when it waits for no signature.
const co_request *co_signature_request(const co_connection *connection);
// Gives the signature, or with count 0 says that there will be none; co_handshake then goes on. 0 = nobody asked.
int co_signature(co_connection *connection, const uint8_t *bytes, size_t count);

// ---- What came of the handshake --------------------------------------------------------------------------

int co_version(const co_connection *connection);
const char *co_suite(const co_connection *connection);
int co_resumed(const co_connection *connection);
// The protocol that both agreed on; 0 = none was.
size_t co_protocol(const co_connection *connection, const uint8_t **name);
// Whether the peer showed a certificate, and a name of it as text ("URI:…", "DNS:…" or "CN=…"); returns its length.
size_t co_peer_name(const co_connection *connection, char *out, size_t capacity);
// The name a client asked for; NULL = none.
const char *co_server_name(const co_connection *connection);
// The newest session the server gave; the caller's from now on. NULL = none came.
co_session *co_take_session(co_connection *connection);
// Offers a session of the same context; before the handshake. 1 = done.
int co_offer_session(co_connection *connection, co_session *session);

#endif
