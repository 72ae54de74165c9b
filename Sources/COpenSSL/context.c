// What connections of one kind share: certificates, authorities, versions, suites.
#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int connection_index = -1;
int co_index(void) { return connection_index; }

int co_start(void) {
    // No configuration file: it would be read from disk, and could load anything.
    if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL)) return 0;
    if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL))
        return 0;
    if (connection_index >= 0) return 1;
    if (!co_remote_provider_load() || !co_transport_prepare()) return 0;
    connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    // gmtime_r, by which certificates' dates are compared, looks once for /etc/localtime: now, not behind the walls.
    tzset();
    // The generator of random numbers is seeded here, where everything can still be read.
    uint8_t seed[16];
    return connection_index >= 0 && RAND_bytes(seed, sizeof(seed)) == 1;
}

const char *co_library_version(void) { return OpenSSL_version(OPENSSL_VERSION); }

int co_has_kernel_tls(void) {
#ifdef OPENSSL_NO_KTLS
    return 0;
#else
    return 1;
#endif
}

__attribute__((format(printf, 2, 3))) static int refuse(co_context *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(context->error, sizeof(context->error), format, arguments);
    va_end(arguments);
    unsigned long code = ERR_peek_last_error();
    if (code != 0 && used >= 0 && (size_t)used < sizeof(context->error)) {
        const char *reason = ERR_reason_error_string(code);
        if (reason != NULL)
            snprintf(context->error + used, sizeof(context->error) - (size_t)used, ": %s", reason);
    }
    ERR_clear_error();
    return 0;
}

const char *co_context_error(const co_context *context) { return context->error; }

// A server's newest session of ours; kept by its connection until somebody takes it.
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    co_connection *connection = SSL_get_ex_data(ssl, connection_index);
    if (connection == NULL) return 0;
    SSL_SESSION_free(connection->session);
    connection->session = session;
    return 1;
}

// The first of our protocols that the client knows too. A client that names only others is told so (RFC 7301, 3.2).
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *in,
                           unsigned int in_count, void *argument) {
    const co_context *context = argument;
    (void)ssl;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_count, context->protocols, (unsigned)context->protocol_count, in, in_count)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// An encrypted PEM file is refused; nobody is asked for a password.
static int no_password(char *out, int capacity, int writing, void *argument) {
    (void)out;
    (void)capacity;
    (void)writing;
    (void)argument;
    return -1;
}

co_context *co_context_create(int is_server) {
    ERR_clear_error();
    co_context *context = OPENSSL_zalloc(sizeof(*context));
    if (context == NULL) return NULL;
    context->references = 1;
    context->is_server = is_server;
    context->ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context->ssl == NULL) {
        OPENSSL_free(context);
        return NULL;
    }
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
                                 | SSL_OP_PRIORITIZE_CHACHA);
    // Writing may be tried again from other memory, and idle connections carry no buffers. Chains are what the files
    // say, never what is found among the authorities.
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
                              | SSL_MODE_NO_AUTO_CHAIN);
    // A read that finds no data comes back, so that whoever sends records without any has no more than others' turns.
    SSL_CTX_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
    // One system call reads several records.
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384");
    SSL_CTX_set1_sigalgs_list(ssl, "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA-PSS+SHA512:"
                                   "ECDSA+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512");
    static const uint8_t name[] = "routing-sidecar";
    SSL_CTX_set_session_id_context(ssl, name, sizeof(name) - 1);
    if (is_server) {
        // Sessions live with the clients, in tickets.
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(ssl, 1);
    } else {
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ssl, keep_session);
    }
    return context;
}

void co_context_free(co_context *context) {
    if (context == NULL || __atomic_sub_fetch(&context->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    SSL_CTX_free(context->ssl);
    for (size_t i = 0; i < context->name_count; i++) OPENSSL_free(context->names[i]);
    OPENSSL_free(context);
}

void *co_context_native(co_context *context) { return context->ssl; }
int64_t co_context_expiry(const co_context *context) { return context->expiry; }
uint32_t co_context_key(const co_context *context) { return context->key; }

int co_context_versions(co_context *context, int lowest, int highest) {
    if (lowest < CO_TLS_1_2 || highest > CO_TLS_1_3 || lowest > highest) return refuse(context, "no such TLS version");
    return SSL_CTX_set_min_proto_version(context->ssl, lowest) && SSL_CTX_set_max_proto_version(context->ssl, highest);
}

int co_context_suites(co_context *context, const char *tls12, const char *tls13) {
    if (tls12 != NULL && !SSL_CTX_set_cipher_list(context->ssl, tls12))
        return refuse(context, "the TLS 1.2 cipher suites can't be used");
    if (tls13 != NULL && !SSL_CTX_set_ciphersuites(context->ssl, tls13))
        return refuse(context, "the TLS 1.3 cipher suites can't be used");
    return 1;
}

int co_context_protocols(co_context *context, const uint8_t *list, size_t count) {
    if (count == 0 || count > sizeof(context->protocols)) return refuse(context, "too many protocols");
    memcpy(context->protocols, list, count);
    context->protocol_count = count;
    if (context->is_server) {
        SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, context);
    } else if (SSL_CTX_set_alpn_protos(context->ssl, list, (unsigned)count) != 0) {
        return refuse(context, "the protocols can't be offered");
    }
    return 1;
}

// Seconds since 1970 of an ASN.1 time; 0 = it makes no sense.
static int64_t seconds(const ASN1_TIME *time) {
    int days = 0, rest = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int ok = epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time);
    ASN1_TIME_free(epoch);
    return ok ? (int64_t)days * 86400 + rest : 0;
}

int co_context_identity(co_context *context, const uint8_t *pem, size_t count, uint32_t key) {
    ERR_clear_error();
    if (count > INT32_MAX) return refuse(context, "the certificate is too long");
    BIO *bio = BIO_new_mem_buf(pem, (int)count);
    if (bio == NULL) return refuse(context, "no memory");
    int done = 0;
    EVP_PKEY *remote = NULL;
    X509 *leaf = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (leaf == NULL) {
        refuse(context, "there is no certificate");
        goto end;
    }
    EVP_PKEY *public_key = X509_get0_pubkey(leaf);
    remote = public_key == NULL ? NULL : co_remote_key(public_key, key);
    if (remote == NULL) {
        refuse(context, "the certificate's key is of a kind that isn't supported (RSA, EC or Ed25519 is)");
        goto end;
    }
    if (SSL_CTX_use_certificate(context->ssl, leaf) != 1) {
        refuse(context, "the certificate can't be used");
        goto end;
    }
    if (SSL_CTX_use_PrivateKey(context->ssl, remote) != 1) {
        refuse(context, "the certificate's key can't be used");
        goto end;
    }
    SSL_CTX_clear_chain_certs(context->ssl);
    for (;;) {
        X509 *next = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (next == NULL) break;
        int added = SSL_CTX_add0_chain_cert(context->ssl, next) == 1;
        if (!added) {
            X509_free(next);
            refuse(context, "a certificate of the chain can't be used");
            goto end;
        }
    }
    unsigned long last = ERR_peek_last_error();
    if (last != 0 && ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
        refuse(context, "a certificate of the chain is malformed");
        goto end;
    }
    context->key = key;
    context->expiry = seconds(X509_get0_notAfter(leaf));
    done = 1;
end:
    ERR_clear_error();
    EVP_PKEY_free(remote);
    X509_free(leaf);
    BIO_free(bio);
    return done;
}

int co_context_authorities(co_context *context, const uint8_t *pem, size_t count, size_t *added) {
    ERR_clear_error();
    *added = 0;
    if (count > INT32_MAX) return refuse(context, "the authorities are too long");
    BIO *bio = BIO_new_mem_buf(pem, (int)count);
    if (bio == NULL) return refuse(context, "no memory");
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    int done = 1;
    for (;;) {
        X509 *authority = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (authority == NULL) break;
        done = X509_STORE_add_cert(store, authority) == 1;
        // Clients are told whose certificates we take; of hundreds they would be told at length.
        if (done && context->is_server && *added < 32) SSL_CTX_add_client_CA(context->ssl, authority);
        X509_free(authority);
        if (!done) break;
        (*added)++;
    }
    unsigned long last = ERR_peek_last_error();
    if (done && last != 0 && ERR_GET_REASON(last) != PEM_R_NO_START_LINE) done = 0;
    BIO_free(bio);
    if (!done) return refuse(context, "an authority's certificate is malformed");
    ERR_clear_error();
    if (*added == 0) return refuse(context, "there is no authority's certificate");
    // An intermediate authority, or a server's own certificate, may be what is trusted.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return 1;
}

int co_context_verify(co_context *context, int how) {
    int mode = how == CO_VERIFY_NONE ? SSL_VERIFY_NONE
        : how == CO_VERIFY_OPTIONAL  ? SSL_VERIFY_PEER
                                     : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context->ssl, mode, how == CO_VERIFY_NONE ? NULL : co_verify_callback);
    SSL_CTX_set_verify_depth(context->ssl, 8);
    return 1;
}

int co_context_allow_name(co_context *context, const char *text) {
    if (context->name_count == CO_MOST_NAMES) return refuse(context, "too many names");
    if (strlen(text) > CO_LONGEST_NAME || (strncmp(text, "DNS:", 4) != 0 && strncmp(text, "URI:", 4) != 0))
        return refuse(context, "a name must begin with DNS: or URI:");
    char *copy = OPENSSL_strdup(text);
    if (copy == NULL) return refuse(context, "no memory");
    context->names[context->name_count++] = copy;
    return 1;
}

int co_context_tickets(co_context *context, int wanted, long lifetime) {
    if (wanted) {
        SSL_CTX_clear_options(context->ssl, SSL_OP_NO_TICKET);
        SSL_CTX_set_timeout(context->ssl, lifetime);
    } else {
        SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
        if (context->is_server) SSL_CTX_set_num_tickets(context->ssl, 0);
        SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    }
    return 1;
}
