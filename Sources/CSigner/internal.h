#ifndef CSIGNER_INTERNAL_H
#define CSIGNER_INTERNAL_H

#include <openssl/evp.h>
#include <string.h>

#define CS_ALGORITHMS 9

typedef struct {
    EVP_PKEY_CTX *context;
    EVP_MD *digest;
} cs_ready;

struct cs_key {
    EVP_PKEY *native;
    cs_kind kind;
    cs_ready ready[CS_ALGORITHMS];
};

#endif
