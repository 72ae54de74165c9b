// Reading keys and signing with them.
#include "CSigner.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <time.h>

#include "internal.h"

int cs_start(void) {
    if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL)) return 0;
    // gmtime_r, by which certificates' dates are compared, looks once for /etc/localtime: now, not behind the walls.
    tzset();
    uint8_t seed[16];
    return OSSL_PROVIDER_load(NULL, "default") != NULL && RAND_bytes(seed, sizeof(seed)) == 1;
}

void cs_wipe(void *bytes, size_t count) { OPENSSL_cleanse(bytes, count); }

// Notes that a password was asked for; there is none.
static int no_password(char *out, int capacity, int writing, void *argument) {
    (void)out;
    (void)capacity;
    (void)writing;
    *(int *)argument = 1;
    return -1;
}

// What a certificate's key may be: what TLS 1.2 and 1.3 know, and no RSA below 2048 bits.
static cs_kind kind_of(const EVP_PKEY *key) {
    char group[32];
    size_t count = 0;
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA")) return bits >= 2048 && bits <= 8192 ? CS_RSA : 0;
    if (EVP_PKEY_is_a(key, "ED25519")) return CS_ED25519;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof(group), &count) != 1) return 0;
    static const char *const groups[] = {"prime256v1", "secp384r1", "secp521r1"};
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(group, groups[i]) == 0) return CS_EC;
    return 0;
}

static cs_key *adopt(EVP_PKEY *native, cs_kind kind) {
    cs_key *key = OPENSSL_zalloc(sizeof(*key));
    if (key == NULL) {
        EVP_PKEY_free(native);
        return NULL;
    }
    key->native = native;
    key->kind = kind;
    return key;
}

cs_key *cs_key_read(const uint8_t *pem, size_t count, cs_verdict *verdict) {
    ERR_clear_error();
    int asked = 0;
    BIO *bio = count > INT32_MAX ? NULL : BIO_new_mem_buf(pem, (int)count);
    EVP_PKEY *native = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
    BIO_free(bio);
    ERR_clear_error();
    if (native == NULL) {
        *verdict = asked ? CS_KEY_ENCRYPTED : CS_KEY_UNREADABLE;
        return NULL;
    }
    cs_kind kind = kind_of(native);
    if (kind == 0) {
        *verdict = CS_KEY_UNSUPPORTED;
        EVP_PKEY_free(native);
        return NULL;
    }
    *verdict = CS_GOOD;
    return adopt(native, kind);
}

cs_key *cs_key_generate(void) {
    EVP_PKEY *native = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return native == NULL ? NULL : adopt(native, CS_EC);
}

void cs_key_free(cs_key *key) {
    if (key == NULL) return;
    for (size_t i = 0; i < CS_ALGORITHMS; i++) {
        EVP_PKEY_CTX_free(key->ready[i].context);
        EVP_MD_free(key->ready[i].digest);
    }
    EVP_PKEY_free(key->native);
    OPENSSL_free(key);
}

// ---- Signing ---------------------------------------------------------------------------------------------

static const struct {
    uint16_t number;
    cs_kind kind;
    int is_pss;
    const char *digest;
} algorithms[CS_ALGORITHMS] = {
    {0x0403, CS_EC, 0, "SHA256"},  {0x0503, CS_EC, 0, "SHA384"},  {0x0603, CS_EC, 0, "SHA512"},
    {0x0804, CS_RSA, 1, "SHA256"}, {0x0805, CS_RSA, 1, "SHA384"}, {0x0806, CS_RSA, 1, "SHA512"},
    {0x0401, CS_RSA, 0, "SHA256"}, {0x0501, CS_RSA, 0, "SHA384"}, {0x0601, CS_RSA, 0, "SHA512"},
};

// Set up once for each algorithm and then used again and again: setting up costs a tenth of a signature.
static cs_ready *prepare(cs_key *key, size_t index) {
    cs_ready *ready = &key->ready[index];
    if (ready->context != NULL) return ready;
    EVP_MD *digest = EVP_MD_fetch(NULL, algorithms[index].digest, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->native, NULL);
    int ok = digest != NULL && context != NULL && EVP_PKEY_sign_init(context) == 1
        && EVP_PKEY_CTX_set_signature_md(context, digest) == 1;
    if (ok && algorithms[index].kind == CS_RSA) {
        ok = EVP_PKEY_CTX_set_rsa_padding(context, algorithms[index].is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING)
            == 1;
        // The salt is as long as the hash, and the mask is of the same hash (RFC 8446, 4.2.3).
        if (ok && algorithms[index].is_pss)
            ok = EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1
                && EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
    }
    if (!ok) {
        EVP_PKEY_CTX_free(context);
        EVP_MD_free(digest);
        return NULL;
    }
    ready->context = context;
    ready->digest = digest;
    return ready;
}

static size_t sign_ed25519(cs_key *key, const uint8_t *content, size_t count, uint8_t *out, size_t capacity) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t written = capacity;
    int ok = context != NULL && EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key->native, NULL) == 1
        && EVP_DigestSign(context, out, &written, content, count) == 1;
    EVP_MD_CTX_free(context);
    return ok ? written : 0;
}

size_t cs_sign(cs_key *key, uint16_t algorithm, int is_digest, const uint8_t *content, size_t count, uint8_t *out,
               size_t capacity) {
    ERR_clear_error();
    if (capacity < (size_t)EVP_PKEY_get_size(key->native)) return 0;
    if (algorithm == 0x0807)
        return key->kind == CS_ED25519 && !is_digest ? sign_ed25519(key, content, count, out, capacity) : 0;
    for (size_t i = 0; i < CS_ALGORITHMS; i++) {
        if (algorithms[i].number != algorithm) continue;
        cs_ready *ready = algorithms[i].kind == key->kind ? prepare(key, i) : NULL;
        if (ready == NULL) return 0;
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned length = 0;
        if (!is_digest) {
            if (!EVP_Digest(content, count, hash, &length, ready->digest, NULL)) return 0;
            content = hash;
            count = length;
        }
        size_t written = capacity;
        if (count != (size_t)EVP_MD_get_size(ready->digest)) return 0;
        return EVP_PKEY_sign(ready->context, out, &written, content, count) == 1 ? written : 0;
    }
    return 0;
}
