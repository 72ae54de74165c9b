// An OpenSSL provider with keys that have no private half. It knows one operation, the signature of a handshake, and does
// it by stopping the handshake's job until somebody else has signed. It never hashes for anybody, never signs raw bytes,
// and can't export what it doesn't have.
#include "internal.h"

#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <string.h>

#define HANDLE "sidecar-remote-key"

typedef enum { KIND_RSA, KIND_EC, KIND_ED25519 } kind;
static const char *const kind_names[] = {"RSA", "EC", "ED25519"};

typedef struct {
    kind kind;
    EVP_PKEY *public_key;
    uint32_t key;
} remote_key;

_Thread_local co_connection *co_current;

// ---- Keys ------------------------------------------------------------------------------------------------

static void *key_new(kind which) {
    remote_key *key = OPENSSL_zalloc(sizeof(*key));
    if (key != NULL) key->kind = which;
    return key;
}
static void *key_new_rsa(void *provider) { (void)provider; return key_new(KIND_RSA); }
static void *key_new_ec(void *provider) { (void)provider; return key_new(KIND_EC); }
static void *key_new_ed25519(void *provider) { (void)provider; return key_new(KIND_ED25519); }

static void key_free(void *data) {
    remote_key *key = data;
    if (key == NULL) return;
    EVP_PKEY_free(key->public_key);
    OPENSSL_free(key);
}

// libssl asks whether there is a private half before it takes a key: somebody has it.
static int key_has(const void *data, int selection) {
    const remote_key *key = data;
    (void)selection;
    return key != NULL && key->public_key != NULL;
}

static int key_match(const void *a, const void *b, int selection) {
    const remote_key *x = a, *y = b;
    (void)selection;
    return x->public_key != NULL && y->public_key != NULL && EVP_PKEY_eq(x->public_key, y->public_key) == 1;
}

// Either the handle that co_remote_key makes, or the public half of a certificate that is to be compared.
static int key_import(void *data, int selection, const OSSL_PARAM params[]) {
    remote_key *key = data;
    const OSSL_PARAM *handle = OSSL_PARAM_locate_const(params, HANDLE);
    if (handle != NULL) {
        if (handle->data_type != OSSL_PARAM_OCTET_STRING || handle->data_size != sizeof(remote_key)) return 0;
        const remote_key *given = handle->data;
        if (given->kind != key->kind || !EVP_PKEY_up_ref(given->public_key)) return 0;
        key->public_key = given->public_key;
        key->key = given->key;
        return 1;
    }
    (void)selection;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind_names[key->kind], "provider=default");
    int done = context != NULL && EVP_PKEY_fromdata_init(context) == 1
        && EVP_PKEY_fromdata(context, &key->public_key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

static const OSSL_PARAM *key_import_types(int selection) {
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(HANDLE, NULL, 0), OSSL_PARAM_END};
    (void)selection;
    return types;
}

static int key_get_params(void *data, OSSL_PARAM params[]) {
    const remote_key *key = data;
    return EVP_PKEY_get_params(key->public_key, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0), OSSL_PARAM_END};
    (void)provider;
    return params;
}

static const char *key_operation_rsa(int operation) { return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL; }
static const char *key_operation_ec(int operation) { return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL; }
static const char *key_operation_ed25519(int operation) { return operation == OSSL_OP_SIGNATURE ? "ED25519" : NULL; }

#define ENTRY(number, function) {number, (void (*)(void))function}
#define KEYS(name)                                                                                    \
    static const OSSL_DISPATCH keys_##name[] = {                                                      \
        ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new_##name),                                                 \
        ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),                                                      \
        ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),                                                        \
        ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                                    \
        ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                                                  \
        ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),                                      \
        ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                                          \
        ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),                                \
        ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_##name),                          \
        {0, NULL},                                                                                    \
    }
KEYS(rsa);
KEYS(ec);
KEYS(ed25519);

// ---- Signatures ------------------------------------------------------------------------------------------

typedef struct {
    const remote_key *key;
    EVP_MD *digest;  // NULL: none (Ed25519)
    int is_pss;
} signing;

static void *signing_new(void *provider, const char *properties) {
    (void)provider;
    (void)properties;
    return OPENSSL_zalloc(sizeof(signing));
}

static void signing_free(void *data) {
    signing *s = data;
    if (s == NULL) return;
    EVP_MD_free(s->digest);
    OPENSSL_free(s);
}

static int signing_set_params(void *data, const OSSL_PARAM params[]) {
    signing *s = data;
    if (params == NULL) return 1;
    const OSSL_PARAM *mode = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (mode != NULL) {
        int number = 0;
        if (mode->data_type == OSSL_PARAM_UTF8_STRING) {
            s->is_pss = strcmp(mode->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
        } else if (OSSL_PARAM_get_int(mode, &number)) {
            s->is_pss = number == RSA_PKCS1_PSS_PADDING;
        } else {
            return 0;
        }
    }
    // TLS fixes the length of the salt to that of the hash; the signer takes no other.
    return 1;
}

static const OSSL_PARAM *signing_settable_params(void *data, void *provider) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0), OSSL_PARAM_END};
    (void)data;
    (void)provider;
    return params;
}

static int signing_begin(void *data, const char *digest, void *key, const OSSL_PARAM params[]) {
    signing *s = data;
    s->key = key;
    EVP_MD_free(s->digest);
    s->digest = NULL;
    if (s->key->kind != KIND_ED25519) {
        s->digest = EVP_MD_fetch(NULL, digest, "provider=default");
        if (s->digest == NULL) return 0;
    }
    return signing_set_params(s, params);
}

// The SignatureScheme of RFC 8446; 0 = one that we don't do.
static uint16_t algorithm(const signing *s) {
    if (s->key->kind == KIND_ED25519) return 0x0807;
    unsigned hash = 0;
    if (EVP_MD_is_a(s->digest, "SHA256")) hash = 4;
    else if (EVP_MD_is_a(s->digest, "SHA384")) hash = 5;
    else if (EVP_MD_is_a(s->digest, "SHA512")) hash = 6;
    else return 0;
    if (s->key->kind == KIND_EC) return (uint16_t)(hash << 8 | 3);
    return s->is_pss ? (uint16_t)(0x0800 | hash) : (uint16_t)(hash << 8 | 1);
}

// Fills the request; 0 = this is nothing that a handshake signs.
static int prepare(const signing *s, const co_connection *connection, co_request *request, const uint8_t *tbs,
                   size_t count) {
    request->key = s->key->key;
    request->algorithm = algorithm(s);
    if (request->algorithm == 0) return 0;
    int is_transcript = !connection->context->is_server && SSL_version(connection->ssl) < TLS1_3_VERSION;
    if (!is_transcript) {
        // The signer sees the content itself and checks that it is a handshake's.
        if (count > sizeof(request->content)) return 0;
        memcpy(request->content, tbs, count);
        request->count = (uint16_t)count;
        return 1;
    }
    // A TLS 1.2 client signs all messages so far, which may be long: hashed here.
    if (s->digest == NULL) {
        co_fail((co_connection *)connection,
                "an Ed25519 key can't be used with a server that speaks TLS 1.2; an EC key can; ");
        return 0;
    }
    unsigned length = 0;
    if (!EVP_Digest(tbs, count, request->content, &length, s->digest, NULL)) return 0;
    request->count = (uint16_t)length;
    request->is_digest = 1;
    return 1;
}

static int signing_sign(void *data, uint8_t *signature, size_t *count, size_t capacity, const uint8_t *tbs,
                        size_t tbs_count) {
    signing *s = data;
    size_t most = (size_t)EVP_PKEY_get_size(s->key->public_key);
    if (signature == NULL) {
        *count = most;
        return 1;
    }
    // Kept here: while we wait, other handshakes of this thread are current.
    co_connection *connection = co_current;
    if (connection == NULL || connection->waiting != NULL || ASYNC_get_current_job() == NULL) return 0;
    co_waiting *waiting = OPENSSL_zalloc(sizeof(*waiting));
    if (waiting == NULL) return 0;
    int done = 0;
    if (prepare(s, connection, &waiting->request, tbs, tbs_count)) {
        connection->waiting = waiting;
        while (!waiting->answered) {
            if (!ASYNC_pause_job()) break;
        }
        connection->waiting = NULL;
        if (waiting->answered && waiting->count > 0 && waiting->count <= capacity && waiting->count <= most) {
            memcpy(signature, waiting->signature, waiting->count);
            *count = waiting->count;
            done = 1;
        }
    }
    OPENSSL_free(waiting);
    return done;
}

static const OSSL_DISPATCH signatures[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_begin),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_sign),
    ENTRY(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set_params),
    ENTRY(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable_params),
    {0, NULL},
};

// ---- The provider ----------------------------------------------------------------------------------------

#define OURS "provider=sidecar"

static const OSSL_ALGORITHM all_keys[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", OURS, keys_rsa, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", OURS, keys_ec, NULL},
    {"ED25519:1.3.101.112", OURS, keys_ed25519, NULL},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM all_signatures[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", OURS, signatures, NULL},
    {"ECDSA", OURS, signatures, NULL},
    {"ED25519:1.3.101.112", OURS, signatures, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache) {
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT) return all_keys;
    if (operation == OSSL_OP_SIGNATURE) return all_signatures;
    return NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                         void **context) {
    (void)in;
    *out = provider_functions;
    *context = (void *)handle;
    return 1;
}

int co_remote_provider_load(void) {
    // The default provider first, and preferred, so that ours serves only keys that were made for it.
    return OSSL_PROVIDER_load(NULL, "default") != NULL
        && OSSL_PROVIDER_add_builtin(NULL, "sidecar", provider_init) == 1
        && OSSL_PROVIDER_load(NULL, "sidecar") != NULL && EVP_set_default_properties(NULL, "?provider=default") == 1;
}

EVP_PKEY *co_remote_key(EVP_PKEY *public_key, uint32_t key) {
    remote_key handle = {.public_key = public_key, .key = key};
    if (EVP_PKEY_is_a(public_key, "RSA")) handle.kind = KIND_RSA;
    else if (EVP_PKEY_is_a(public_key, "EC")) handle.kind = KIND_EC;
    else if (EVP_PKEY_is_a(public_key, "ED25519")) handle.kind = KIND_ED25519;
    else return NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(HANDLE, &handle, sizeof(handle)), OSSL_PARAM_END};
    EVP_PKEY *result = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind_names[handle.kind], OURS);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &result, EVP_PKEY_KEYPAIR, params) != 1)
        result = NULL;
    EVP_PKEY_CTX_free(context);
    return result;
}
