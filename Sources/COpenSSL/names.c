// Whose certificate it is: the check against a list of names, the check of a session's, and words for logs.
#include "internal.h"

#include <string.h>
#include <strings.h>

// A name with a NUL in it, or anything that isn't printable, matches nothing and is never printed.
static int plain(const ASN1_STRING *text) {
    const uint8_t *bytes = ASN1_STRING_get0_data(text);
    int count = ASN1_STRING_length(text);
    for (int i = 0; i < count; i++)
        if (bytes[i] < 0x21 || bytes[i] > 0x7E) return 0;
    return count > 0;
}

// Names are compared whole, without wildcards: hosts without regard to case, URIs as they stand.
static int is_allowed(const co_context *context, X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_URI) continue;
        const ASN1_STRING *value = name->type == GEN_DNS ? name->d.dNSName : name->d.uniformResourceIdentifier;
        if (!plain(value)) continue;
        const char *text = (const char *)ASN1_STRING_get0_data(value);
        size_t count = (size_t)ASN1_STRING_length(value);
        for (size_t j = 0; j < context->name_count && !found; j++) {
            const char *wanted = context->names[j] + 4;
            if (strlen(wanted) != count || (context->names[j][0] == 'D') != (name->type == GEN_DNS)) continue;
            found = name->type == GEN_DNS ? strncasecmp(wanted, text, count) == 0 : memcmp(wanted, text, count) == 0;
        }
    }
    GENERAL_NAMES_free(names);
    return found;
}

static void describe(co_connection *connection, X509 *certificate) {
    char subject[192], issuer[192];
    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof(subject));
    X509_NAME_oneline(X509_get_issuer_name(certificate), issuer, sizeof(issuer));
    co_fail(connection, " [%s, issued by %s]", subject, issuer);
}

// Called for each certificate of a chain, from the root down, and for each fault.
int co_verify_callback(int ok, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    co_connection *connection = ssl == NULL ? NULL : SSL_get_ex_data(ssl, co_index());
    if (connection == NULL) return 0;
    int depth = X509_STORE_CTX_get_error_depth(store);
    if (ok) {
        X509 *leaf = X509_STORE_CTX_get_current_cert(store);
        if (depth > 0 || connection->context->name_count == 0 || is_allowed(connection->context, leaf)) return 1;
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        co_fail(connection, "the certificate's names are not among those that are allowed");
        describe(connection, leaf);
        return 0;
    }
    if (connection->failure == NULL) {
        co_fail(connection, "the certificate is refused: %s, at depth %d of its chain",
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), depth);
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
        for (int i = 0; i < sk_X509_num(chain) && i < 4; i++) describe(connection, sk_X509_value(chain, i));
    }
    return 0;
}

int co_has_ended(const X509 *certificate) {
    return certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

int co_judge_resumed(co_connection *connection) {
    if (!SSL_session_reused(connection->ssl) || SSL_get_verify_mode(connection->ssl) == SSL_VERIFY_NONE) return 1;
    X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
    if (!co_has_ended(certificate)) return 1;
    co_fail(connection, "handshake: the certificate has expired since the session began");
    describe(connection, certificate);
    return 0;
}
