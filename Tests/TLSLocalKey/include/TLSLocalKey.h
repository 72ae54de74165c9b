// For measuring only: what the product never does, a key in the process that serves; and how deep the stacks of waiting
// handshakes are used.
#ifndef TLSLOCALKEY_H
#define TLSLOCALKEY_H

#include <stddef.h>
#include <stdint.h>

// Gives an SSL_CTX the key itself; 1 = done.
int local_key_use(void *native, const uint8_t *pem, size_t count);
// From here on OpenSSL's stacks are painted. Before anything else of OpenSSL's; 1 = done.
int local_stacks_watch(void);
// How many stacks were made, and of how many bytes the deepest was used.
size_t local_stacks_made(void);
size_t local_stacks_deepest(void);
// Processor time of this process in nanoseconds.
uint64_t local_processor_time(void);

#endif
