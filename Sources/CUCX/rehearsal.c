#define _GNU_SOURCE
#include "internal.h"

#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

// How long the agent may take to reach itself, in milliseconds.
#define PATIENCE 5000

static int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void rest(cu_agent *agent, int64_t left) {
    struct pollfd ready = {.fd = agent->descriptor, .events = POLLIN};
    int patience = cu_patience(agent);
    poll(&ready, 1, patience >= 0 && patience < left ? patience : (int)left);
}

// The next event, waiting for it. 0 = the time is up.
static int wait_for(cu_agent *agent, cu_event *event, int64_t deadline) {
    while (!cu_next(agent, event)) {
        int64_t left = deadline - milliseconds();
        if (left <= 0) return 0;
        cu_progress(agent);
        if (agent->count > 0 || !cu_arm(agent)) continue;
        rest(agent, left);
    }
    return 1;
}

// A listening address as one that can be called.
static void callable(const uint8_t listening[16], uint8_t out[16]) {
    static const uint8_t any4[16] = {[10] = 0xFF, [11] = 0xFF}, any6[16];
    static const uint8_t loopback4[16] = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}, loopback6[16] = {[15] = 1};
    const uint8_t *to = listening;
    if (memcmp(listening, any4, 16) == 0) to = loopback4;
    if (memcmp(listening, any6, 16) == 0) to = loopback6;
    memcpy(out, to, 16);
}

// Reads from our own memory, and not into the region: what stands there is others'.
static uint8_t target[64];
static const uint8_t source[64] = "what is read when the agent tries itself out";
static ucs_status_t read_status;
static int read_ended;

static void on_read(void *request, ucs_status_t status, void *user) {
    (void)user;
    read_status = status;
    read_ended = 1;
    ucp_request_free(request);
}

static ucs_status_t begin_read(cu_agent *agent, uint32_t peer) {
    int trusted = cu_trust(agent, peer);
    if (trusted != UCS_OK) return (ucs_status_t)trusted;
    peer_slot *slot = cu_slot(agent, peer);
    ucp_request_param_t params = {.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK, .cb = {.send = on_read}};
    ucs_status_ptr_t request =
        ucp_get_nbx(slot->endpoint, target, sizeof target, (uint64_t)(uintptr_t)source, slot->key, &params);
    if (request == NULL) read_ended = 1;
    return UCS_PTR_IS_ERR(request) ? UCS_PTR_STATUS(request) : UCS_OK;
}

// Others may call while we call ourselves: they are sent away, and try again.
static void send_away(cu_agent *agent, uint32_t peer, uint32_t other) {
    for (int i = 0; i < CU_PEERS; i++) {
        uint32_t number = peer_number(agent, &agent->peers[i]);
        if (agent->peers[i].state != PEER_FREE && number != peer && number != other) cu_close(agent, number);
    }
    cu_event event;
    while (cu_next(agent, &event)) {}
}

ucs_status_t cu_rehearse(cu_agent *agent, const cu_options *options) {
    int64_t deadline = milliseconds() + PATIENCE;
    uint8_t address[16];
    callable(options->address, address);
    int64_t connected = cu_connect(agent, address, options->port);
    if (connected < 0) return (ucs_status_t)connected;
    // Our own call is told from others by what it says.
    uint8_t word[16];
    if (getrandom(word, sizeof word, 0) != (ssize_t)sizeof word) return UCS_ERR_IO_ERROR;
    uint32_t peer = (uint32_t)connected, other = peer;
    int sent = cu_send(agent, peer, word, sizeof word);
    if (sent != UCS_OK) return (ucs_status_t)sent;
    int answered = 0, compared = 0, gone = 0;
    cu_event event;
    // Connected, a frame there and one back, a read, and both ends closed.
    while (gone < 2) {
        // The read has no event of its own, and may have ended when it was begun.
        if (read_ended && !compared) {
            if (read_status != UCS_OK) return read_status;
            if (memcmp(source, target, sizeof source) != 0) return UCS_ERR_IO_ERROR;
            compared = 1;
            cu_close(agent, peer);
        }
        if (answered && !read_ended) {
            int64_t left = deadline - milliseconds();
            if (left <= 0) return UCS_ERR_TIMED_OUT;
            cu_progress(agent);
            if (!read_ended && agent->count == 0 && cu_arm(agent)) rest(agent, left);
            if (read_ended || agent->count == 0) continue;
        }
        if (!wait_for(agent, &event, deadline)) return UCS_ERR_TIMED_OUT;
        switch (event.kind) {
        case CU_ARRIVED: cu_accept(agent, event.peer); break;
        case CU_FRAME:
            if (event.peer == peer) {
                ucs_status_t begun = answered ? UCS_OK : begin_read(agent, peer);
                if (begun != UCS_OK) return begun;
                answered = 1;
            } else if (event.length == sizeof word && memcmp(event.frame, word, sizeof word) == 0) {
                other = event.peer;
                cu_send(agent, other, word, sizeof word);
            }
            break;
        case CU_LOST:
            // Our own end is closed after the read, and that is how the other one learns of it.
            if (event.peer == peer) return (ucs_status_t)event.status;
            cu_close(agent, event.peer);
            break;
        case CU_GONE: gone += event.peer == peer || event.peer == other; break;
        default: break;
        }
    }
    send_away(agent, peer, other);
    return UCS_OK;
}
