#ifndef CUCX_INTERNAL_H
#define CUCX_INTERNAL_H

#include "CUCX.h"

#include <ucp/api/ucp.h>

// Events that wait to be taken. What must not be lost is bounded by what was begun: an arrival, a loss and a farewell for
// each peer, and the reads that run. Frames have a share of their own, and a peer that fills its part of it is lost.
#define EVENTS 4096
#define FRAMES_AT_ONCE 1024
#define FRAMES_OF_ONE 32
// Reads at once, over all peers.
#define GETS_AT_ONCE 2048

// The one message id in use.
#define MESSAGE 1

typedef enum { PEER_FREE = 0, PEER_ASKING, PEER_OPEN, PEER_CLOSING } peer_state;

typedef struct {
    peer_state state;
    uint32_t generation;
    ucp_ep_h endpoint;
    ucp_conn_request_h request;  // PEER_ASKING
    ucp_rkey_h key;
    uint32_t frames;   // of it in the queue
    uint32_t running;  // reads and sends
    uint32_t gets;
    int lost;          // said so
    int closed;        // UCX has let go of the endpoint
} peer_slot;

struct cu_agent {
    ucp_context_h context;
    ucp_worker_h worker;
    ucp_listener_h listener;
    ucp_mem_h memory;
    uint8_t *region;
    size_t size;
    int descriptor;
    uint8_t key[CU_KEY_LIMIT];
    size_t key_length;
    peer_slot peers[CU_PEERS];
    uint32_t gets;
    uint32_t frames;
    uint32_t first, count;
    cu_event events[EVENTS];
};

_Static_assert(CU_PEERS == 256, "a peer's number has 8 bits for its slot, and 23 for the slot's generation");
_Static_assert(CU_FULL == UCS_ERR_EXCEEDS_LIMIT, "UCX's own word for it");
_Static_assert(EVENTS >= 3 * CU_PEERS + GETS_AT_ONCE + FRAMES_AT_ONCE, "whatever must not be lost has room");

static inline uint32_t peer_number(const cu_agent *agent, const peer_slot *slot) {
    return slot->generation << 8 | (uint32_t)(slot - agent->peers);
}
// NULL: the number is nobody's any more.
peer_slot *cu_slot(cu_agent *agent, uint32_t peer);
peer_slot *cu_take_slot(cu_agent *agent);
// Room for an event at the end of the queue; NULL when it is full, which the bounds exclude.
cu_event *cu_note(cu_agent *agent, cu_kind kind, uint32_t peer);
void cu_lose(cu_agent *agent, peer_slot *slot, int status);
void cu_from_socket(const struct sockaddr_storage *from, uint8_t address[16], uint16_t *port);
socklen_t cu_to_socket(const uint8_t address[16], uint16_t port, struct sockaddr_storage *out);
// Callbacks of UCX's that carry no agent lead to this one.
void cu_become(cu_agent *agent);
// Goes once through everything that UCX does for a transfer, with itself as the peer.
ucs_status_t cu_rehearse(cu_agent *agent, const cu_options *options);
void cu_on_connection(ucp_conn_request_h request, void *agent);
ucs_status_t cu_on_message(
    void *agent, const void *header, size_t header_length, void *data, size_t length, const ucp_am_recv_param_t *param);

#endif
