// HTTPS requests to one server, through libcurl: the variadic calls that Swift can't make, and in one place everything
// libcurl is told to do and not to do (curl.c). Nothing here decides when to ask, or what an answer means.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

typedef struct cc_loop cc_loop;
typedef struct cc_transfer cc_transfer;

// What a transfer reports while it runs. Both are called from cc_perform only.
typedef struct {
    void *context;
    // The head of an answer is complete.
    void (*head)(void *context, int status);
    // Bytes of its body. Returning 0 ends the transfer with CC_REFUSED.
    int (*body)(void *context, const void *bytes, size_t count);
} cc_receiver;

// What is asked. All of it is copied, except what `receiver` points to.
typedef struct {
    const char *url;         // https://ADDRESS:PORT/..., the address numeric
    const void *token;       // goes out as "Authorization: Bearer ..."
    size_t token_count;
    const void *authority;   // PEM certificates, the only ones that vouch for the server
    size_t authority_count;
    int connect_milliseconds;
    cc_receiver receiver;
} cc_request;

// How a transfer ended.
typedef enum {
    CC_DONE = 0,        // the whole answer was there
    CC_CONNECTION = 1,  // refused, reset, cut off, timed out
    CC_UNTRUSTED = 2,   // the server's certificate is not vouched for
    CC_REFUSED = 3,     // the receiver wanted no more
    CC_OTHER = 4,       // an answer that is not HTTP, no memory, and so on
} cc_outcome;

typedef struct {
    cc_transfer *transfer;
    cc_outcome outcome;
    int64_t retry_after;  // seconds the server wants to be left alone; 0 = it didn't say
    const char *text;     // what libcurl says about it; valid until cc_end
} cc_ended;

// Loads libcurl and its TLS library, which read their own configuration files: to be called before a process gives up
// opening files. NULL: that failed.
cc_loop *cc_loop_create(void);
// The version of libcurl, for the log.
const char *cc_version(void);

// NULL: no memory.
cc_transfer *cc_begin(cc_loop *loop, const cc_request *request);
// Ends a transfer at any time outside cc_perform and frees it; its token is overwritten.
void cc_end(cc_loop *loop, cc_transfer *transfer);

// Does what can be done without waiting.
void cc_perform(cc_loop *loop);
// The next transfer that has come to its end. 1 = there was one.
int cc_next_ended(cc_loop *loop, cc_ended *out);
// Waits for work, for `fd` to become readable, or for the time to pass; libcurl's own timers end the wait too.
// 1 = `fd` is readable or closed.
int cc_wait(cc_loop *loop, int fd, int milliseconds);

// Overwrites secret bytes; not optimised away.
void cc_wipe(void *bytes, size_t count);
// Gives memory that is no longer used back to the system.
void cc_trim(void);

#endif
