// What the parts of the load generator share: its options, and how an answer is read.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum mode { MODE_ENGINE, MODE_HANDSHAKES, MODE_REQUESTS, MODE_STREAMS };

struct options {
    enum mode mode;
    uint16_t port;
    unsigned parallel, chunks, interval_ms, resumed_of_ten;
    uint64_t count;
    double seconds;
    int tls12, request;
    const char *suite;
};

uint64_t load_now(void);
void load_die(const char *what) __attribute__((noreturn));
struct options load_options(int count, char **words);
int load_engine(const struct options *options);

// One answer with a length or in chunks. Events of a stream bear numbers from 0.
struct answer {
    char head[4096], event[512];
    size_t head_count, event_count;
    uint64_t left;
    enum { HEAD, LENGTH, SIZE, DATA, DATA_END, LAST, COMPLETE } state;
    uint64_t size;
    unsigned events, out_of_order;
};

void answer_begin(struct answer *answer);
// 1: complete, 0: goes on, -1: wrong.
int answer_take(struct answer *answer, const char *bytes, size_t count);
