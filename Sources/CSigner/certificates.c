// Judging a certificate against a key, and making one that a key signs for itself.
#define _GNU_SOURCE  // memmem
#include "CSigner.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "internal.h"

// Nobody is asked for a password.
static int no_password(char *out, int capacity, int writing, void *argument) {
    (void)out;
    (void)capacity;
    (void)writing;
    (void)argument;
    return -1;
}

static int64_t seconds(const ASN1_TIME *time) {
    int days = 0, rest = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int ok = epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time);
    ASN1_TIME_free(epoch);
    return ok ? (int64_t)days * 86400 + rest : 0;
}

// The proxy's OpenSSL refuses what has less (SSL_CTX_set_security_level(2) in COpenSSL/context.c): RSA below 2048 bits, EC
// below 224, signatures with SHA-1 or MD5. This asks what it asks, of every certificate (ssl_security_cert in OpenSSL).
enum { SECURITY_BITS = 112 };

static cs_verdict judge_strength(X509 *certificate) {
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS) return CS_CERTIFICATE_KEY_WEAK;
    // Nobody relies on what a root says of itself.
    if (X509_get_extension_flags(certificate) & EXFLAG_SS) return CS_GOOD;
    int bits = -1;
    if (X509_get_signature_info(certificate, NULL, NULL, &bits, NULL) != 1 || bits < SECURITY_BITS)
        return CS_CERTIFICATE_SIGNATURE_WEAK;
    return CS_GOOD;
}

cs_verdict cs_certificate_judge(const cs_key *key, const uint8_t *pem, size_t count, int64_t now, int64_t *ends) {
    ERR_clear_error();
    *ends = 0;
    BIO *bio = count > INT32_MAX ? NULL : BIO_new_mem_buf(pem, (int)count);
    X509 *leaf = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);
    int whole = leaf != NULL;
    size_t length = 1;
    cs_verdict strength = whole ? judge_strength(leaf) : CS_GOOD;
    // What follows must be certificates too: a chain that was cut in the middle is refused.
    while (whole) {
        X509 *next = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (next == NULL) {
            unsigned long last = ERR_peek_last_error();
            whole = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
            break;
        }
        if (strength == CS_GOOD) strength = judge_strength(next);
        X509_free(next);
        if (++length > CS_LONGEST_CHAIN) break;
    }
    BIO_free(bio);
    ERR_clear_error();
    if (!whole) {
        X509_free(leaf);
        return CS_CERTIFICATE_UNREADABLE;
    }
    *ends = seconds(X509_get0_notAfter(leaf));
    int64_t begins = seconds(X509_get0_notBefore(leaf));
    EVP_PKEY *public_key = X509_get0_pubkey(leaf);
    int matches = public_key != NULL && EVP_PKEY_eq(public_key, key->native) == 1;
    X509_free(leaf);
    ERR_clear_error();
    if (length > CS_LONGEST_CHAIN) return CS_CHAIN_TOO_LONG;
    if (!matches) return CS_MISMATCH;
    if (now >= *ends) return CS_EXPIRED;
    return now < begins ? CS_NOT_YET_VALID : strength;
}

static int add_name(GENERAL_NAMES *names, const char *text) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL) return 0;
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    if (address != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    } else {
        ERR_clear_error();
        ASN1_IA5STRING *host = ASN1_IA5STRING_new();
        if (host == NULL || !ASN1_STRING_set(host, text, -1)) {
            ASN1_IA5STRING_free(host);
            GENERAL_NAME_free(name);
            return 0;
        }
        GENERAL_NAME_set0_value(name, GEN_DNS, host);
    }
    if (sk_GENERAL_NAME_push(names, name) > 0) return 1;
    GENERAL_NAME_free(name);
    return 0;
}

static int add_extension(X509 *certificate, int kind, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    int ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static int fill(X509 *certificate, const cs_key *key, const char *const *names, size_t name_count, int64_t now,
                long lifetime) {
    uint8_t serial[16];
    if (RAND_bytes(serial, sizeof(serial)) != 1) return 0;
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    int ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    // Clocks of pods differ: valid from an hour ago.
    ok = ok && X509_set_version(certificate, X509_VERSION_3)
        && ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now - 3600)) != NULL
        && ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(now + lifetime)) != NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    ok = ok
        && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)"routing-sidecar self-signed", -1,
                                      -1, 0)
        && X509_set_issuer_name(certificate, subject) && X509_set_pubkey(certificate, key->native);
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    ok = ok && all != NULL;
    for (size_t i = 0; i < name_count && ok; i++) ok = add_name(all, names[i]);
    ok = ok && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return ok && add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE")
        && add_extension(certificate, NID_key_usage, "critical,digitalSignature")
        && add_extension(certificate, NID_ext_key_usage, "serverAuth")
        && X509_sign(certificate, key->native, EVP_sha256()) > 0;
}

size_t cs_self_sign(cs_key *key, const char *const *names, size_t name_count, int64_t now, long lifetime, uint8_t *out,
                    size_t capacity) {
    ERR_clear_error();
    size_t written = 0;
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    if (certificate != NULL && bio != NULL && fill(certificate, key, names, name_count, now, lifetime)
        && PEM_write_bio_X509(bio, certificate) == 1) {
        char *text = NULL;
        long count = BIO_get_mem_data(bio, &text);
        if (count > 0 && (size_t)count <= capacity) {
            memcpy(out, text, (size_t)count);
            written = (size_t)count;
        }
    }
    BIO_free(bio);
    X509_free(certificate);
    ERR_clear_error();
    return written;
}
