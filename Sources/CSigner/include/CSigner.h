// Private keys and what is done with them, over OpenSSL's libcrypto: reading, signing, judging a pair, making one. Only
// the signer links this.
#ifndef CSIGNER_H
#define CSIGNER_H

#include <stddef.h>
#include <stdint.h>

// Prepares OpenSSL without its configuration file; 1 = done.
int cs_start(void);
// Overwrites memory in a way that no compiler leaves out.
void cs_wipe(void *bytes, size_t count);

typedef struct cs_key cs_key;

typedef enum { CS_RSA = 1, CS_EC = 2, CS_ED25519 = 3 } cs_kind;

// What is wrong with a key or a pair. The numbers are those of IPC's KeyVerdict.
typedef enum {
    CS_GOOD = 0,
    CS_KEY_UNREADABLE = 1,
    CS_KEY_ENCRYPTED = 2,
    CS_KEY_UNSUPPORTED = 3,
    CS_CERTIFICATE_UNREADABLE = 4,
    CS_MISMATCH = 5,
    CS_EXPIRED = 6,
    CS_NOT_YET_VALID = 7,
    // 8 is the Swift side's: too many keys.
    CS_CERTIFICATE_KEY_WEAK = 9,
    CS_CERTIFICATE_SIGNATURE_WEAK = 10,
    CS_CHAIN_TOO_LONG = 11,
} cs_verdict;

// A key from PEM. NULL with a verdict.
cs_key *cs_key_read(const uint8_t *pem, size_t count, cs_verdict *verdict);
// A new key on P-256. NULL for lack of memory.
cs_key *cs_key_generate(void);
void cs_key_free(cs_key *key);

// Signs with an algorithm by its TLS number (RFC 8446, 4.2.3): content that is hashed here, or a digest. Returns the
// signature's length; 0 = the algorithm doesn't fit the key, the digest has another length, or signing failed.
size_t cs_sign(cs_key *key, uint16_t algorithm, int is_digest, const uint8_t *content, size_t count, uint8_t *out,
               size_t capacity);

// The most certificates of a chain: as many as we accept of others (a depth of 8 between leaf and root).
enum { CS_LONGEST_CHAIN = 10 };

// Is this chain's leaf the key's, and valid at `now` (seconds since 1970), and are all of it what the proxy's OpenSSL shows?
// `ends`: when it expires, 0 = unknown.
cs_verdict cs_certificate_judge(const cs_key *key, const uint8_t *pem, size_t count, int64_t now, int64_t *ends);

// A certificate that the key signs for itself, in PEM, for host names and addresses; returns its length, 0 = failed.
size_t cs_self_sign(cs_key *key, const char *const *names, size_t name_count, int64_t now, long seconds, uint8_t *out,
                    size_t capacity);

#endif
