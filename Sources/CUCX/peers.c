#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <string.h>

peer_slot *cu_slot(cu_agent *agent, uint32_t peer) {
    peer_slot *slot = &agent->peers[peer % CU_PEERS];
    return slot->state != PEER_FREE && peer_number(agent, slot) == peer ? slot : NULL;
}

peer_slot *cu_take_slot(cu_agent *agent) {
    for (int i = 0; i < CU_PEERS; i++) {
        peer_slot *slot = &agent->peers[i];
        if (slot->state != PEER_FREE) continue;
        uint32_t generation = (slot->generation + 1) & 0x7FFFFF;
        memset(slot, 0, sizeof *slot);
        slot->generation = generation;
        return slot;
    }
    return NULL;
}

void cu_lose(cu_agent *agent, peer_slot *slot, int status) {
    if (slot->lost || slot->state == PEER_CLOSING) return;
    slot->lost = 1;
    cu_event *event = cu_note(agent, CU_LOST, peer_number(agent, slot));
    if (event) event->status = status;
}

// A peer is gone when UCX has let go of its endpoint and nothing that was begun on it still runs: only then can no byte
// of its arrive any more.
static void settle(cu_agent *agent, peer_slot *slot) {
    if (slot->state != PEER_CLOSING || !slot->closed || slot->running > 0) return;
    if (slot->key) ucp_rkey_destroy(slot->key);
    slot->key = NULL;
    cu_note(agent, CU_GONE, peer_number(agent, slot));
    slot->state = PEER_FREE;
}

// What an operation of UCX's leads back to is one word, which has room for a peer's number and no more. A process has one
// agent.
static cu_agent *the_agent;

void cu_become(cu_agent *agent) { the_agent = agent; }

static void *tag(uint32_t peer, uint32_t token) { return (void *)((uintptr_t)peer << 32 | token); }

static void on_error(void *argument, ucp_ep_h endpoint, ucs_status_t status) {
    (void)endpoint;
    peer_slot *slot = cu_slot(the_agent, (uint32_t)(uintptr_t)argument);
    if (slot) cu_lose(the_agent, slot, status);
}

// ---- Opening and closing -------------------------------------------------------------------------------

int64_t cu_connect(cu_agent *agent, const uint8_t address[16], uint16_t port) {
    peer_slot *slot = cu_take_slot(agent);
    if (!slot) return CU_FULL;
    struct sockaddr_storage to;
    ucp_ep_params_t params = {
        .field_mask = UCP_EP_PARAM_FIELD_FLAGS | UCP_EP_PARAM_FIELD_SOCK_ADDR | UCP_EP_PARAM_FIELD_ERR_HANDLER |
                      UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE,
        .err_mode = UCP_ERR_HANDLING_MODE_PEER,
        .err_handler = {.cb = on_error, .arg = (void *)(uintptr_t)peer_number(agent, slot)},
        .flags = UCP_EP_PARAMS_FLAGS_CLIENT_SERVER,
        .sockaddr = {.addr = (struct sockaddr *)&to},
    };
    params.sockaddr.addrlen = cu_to_socket(address, port, &to);
    ucs_status_t status = ucp_ep_create(agent->worker, &params, &slot->endpoint);
    if (status != UCS_OK) return status;
    slot->state = PEER_OPEN;
    return peer_number(agent, slot);
}

void cu_on_connection(ucp_conn_request_h request, void *argument) {
    cu_agent *agent = argument;
    ucp_conn_request_attr_t asked = {.field_mask = UCP_CONN_REQUEST_ATTR_FIELD_CLIENT_ADDR};
    peer_slot *slot = cu_take_slot(agent);
    cu_event *event = NULL;
    if (slot && ucp_conn_request_query(request, &asked) == UCS_OK) {
        event = cu_note(agent, CU_ARRIVED, peer_number(agent, slot));
    }
    if (!event) {
        ucp_listener_reject(agent->listener, request);
        return;
    }
    cu_from_socket(&asked.client_address, event->address, &event->port);
    slot->request = request;
    slot->state = PEER_ASKING;
}

int cu_accept(cu_agent *agent, uint32_t peer) {
    peer_slot *slot = cu_slot(agent, peer);
    if (!slot || slot->state != PEER_ASKING) return UCS_ERR_INVALID_PARAM;
    ucp_ep_params_t params = {
        .field_mask = UCP_EP_PARAM_FIELD_CONN_REQUEST | UCP_EP_PARAM_FIELD_ERR_HANDLER |
                      UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE,
        .err_mode = UCP_ERR_HANDLING_MODE_PEER,
        .err_handler = {.cb = on_error, .arg = (void *)(uintptr_t)peer},
        .conn_request = slot->request,
    };
    slot->request = NULL;
    ucs_status_t status = ucp_ep_create(agent->worker, &params, &slot->endpoint);
    if (status != UCS_OK) {
        slot->state = PEER_FREE;
        return status;
    }
    slot->state = PEER_OPEN;
    return 0;
}

static void on_closed(void *request, ucs_status_t status, void *user) {
    (void)status;
    peer_slot *slot = cu_slot(the_agent, (uint32_t)(uintptr_t)user);
    if (slot) {
        slot->closed = 1;
        settle(the_agent, slot);
    }
    ucp_request_free(request);
}

void cu_close(cu_agent *agent, uint32_t peer) {
    peer_slot *slot = cu_slot(agent, peer);
    if (!slot || slot->state == PEER_CLOSING) return;
    if (slot->state == PEER_ASKING) {
        ucp_listener_reject(agent->listener, slot->request);
        slot->request = NULL;
        slot->state = PEER_CLOSING;
        slot->closed = 1;
        settle(agent, slot);
        return;
    }
    slot->state = PEER_CLOSING;
    ucp_request_param_t params = {
        .op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS | UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA,
        .flags = UCP_EP_CLOSE_FLAG_FORCE,
        .cb = {.send = on_closed},
        .user_data = (void *)(uintptr_t)peer,
    };
    ucs_status_ptr_t request = ucp_ep_close_nbx(slot->endpoint, &params);
    if (request == NULL || UCS_PTR_IS_ERR(request)) {
        slot->closed = 1;
        settle(agent, slot);
    }
}

// ---- Frames --------------------------------------------------------------------------------------------

ucs_status_t cu_on_message(
    void *argument, const void *header, size_t header_length, void *data, size_t length,
    const ucp_am_recv_param_t *param) {
    (void)header;
    cu_agent *agent = argument;
    if (!(param->recv_attr & UCP_AM_RECV_ATTR_FIELD_REPLY_EP)) return UCS_OK;
    peer_slot *slot = NULL;
    for (int i = 0; i < CU_PEERS; i++) {
        if (agent->peers[i].state == PEER_OPEN && agent->peers[i].endpoint == param->reply_ep) slot = &agent->peers[i];
    }
    if (!slot || slot->lost) return UCS_OK;
    // A message that would have to be fetched is longer than any of ours; it is never asked for.
    if ((param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) || header_length != 0 || length > CU_FRAME_LIMIT) {
        cu_lose(agent, slot, UCS_ERR_MESSAGE_TRUNCATED);
        return UCS_OK;
    }
    if (slot->frames >= FRAMES_OF_ONE || agent->frames >= FRAMES_AT_ONCE) {
        cu_lose(agent, slot, UCS_ERR_EXCEEDS_LIMIT);
        return UCS_OK;
    }
    cu_event *event = cu_note(agent, CU_FRAME, peer_number(agent, slot));
    if (!event) return UCS_OK;
    event->length = (uint16_t)length;
    memcpy(event->frame, data, length);
    slot->frames++;
    agent->frames++;
    return UCS_OK;
}

// A frame lives until UCX has sent it.
typedef struct {
    uint32_t peer;
    uint8_t bytes[CU_FRAME_LIMIT];
} sending;

static void sent(sending *frame, ucs_status_t status) {
    peer_slot *slot = cu_slot(the_agent, frame->peer);
    free(frame);
    if (!slot) return;
    slot->running--;
    if (status != UCS_OK) cu_lose(the_agent, slot, status);
    settle(the_agent, slot);
}

static void on_sent(void *request, ucs_status_t status, void *user) {
    sent(user, status);
    ucp_request_free(request);
}

int cu_send(cu_agent *agent, uint32_t peer, const uint8_t *bytes, size_t length) {
    peer_slot *slot = cu_slot(agent, peer);
    if (!slot || slot->state != PEER_OPEN || length > CU_FRAME_LIMIT) return UCS_ERR_INVALID_PARAM;
    sending *frame = malloc(sizeof *frame);
    if (!frame) {
        cu_lose(agent, slot, UCS_ERR_NO_MEMORY);
        return UCS_ERR_NO_MEMORY;
    }
    frame->peer = peer;
    memcpy(frame->bytes, bytes, length);
    ucp_request_param_t params = {
        .op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS | UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA,
        .flags = UCP_AM_SEND_FLAG_EAGER | UCP_AM_SEND_FLAG_REPLY,
        .cb = {.send = on_sent},
        .user_data = frame,
    };
    slot->running++;
    ucs_status_ptr_t request = ucp_am_send_nbx(slot->endpoint, MESSAGE, NULL, 0, frame->bytes, length, &params);
    if (request == NULL) {
        sent(frame, UCS_OK);
    } else if (UCS_PTR_IS_ERR(request)) {
        sent(frame, UCS_PTR_STATUS(request));
    }
    return 0;
}

// ---- Reads ---------------------------------------------------------------------------------------------

int cu_trust(cu_agent *agent, uint32_t peer) {
    peer_slot *slot = cu_slot(agent, peer);
    if (!slot || slot->state != PEER_OPEN) return UCS_ERR_INVALID_PARAM;
    return slot->key ? UCS_OK : ucp_ep_rkey_unpack(slot->endpoint, agent->key, &slot->key);
}

static void got(uint32_t peer, uint32_t token, ucs_status_t status) {
    cu_event *event = cu_note(the_agent, CU_GOT, peer);
    if (event) {
        event->token = token;
        event->status = status;
    }
    the_agent->gets--;
    peer_slot *slot = cu_slot(the_agent, peer);
    if (!slot) return;
    slot->running--;
    settle(the_agent, slot);
}

static void on_got(void *request, ucs_status_t status, void *user) {
    got((uint32_t)((uintptr_t)user >> 32), (uint32_t)(uintptr_t)user, status);
    ucp_request_free(request);
}

int cu_get(cu_agent *agent, uint32_t peer, uint64_t remote, size_t local, size_t length, uint32_t token) {
    peer_slot *slot = cu_slot(agent, peer);
    if (!slot || slot->state != PEER_OPEN || slot->lost || !slot->key) return UCS_ERR_INVALID_PARAM;
    if (local > agent->size || length > agent->size - local) return UCS_ERR_INVALID_PARAM;
    if (agent->gets >= GETS_AT_ONCE) return UCS_ERR_EXCEEDS_LIMIT;
    ucp_request_param_t params = {
        .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA,
        .cb = {.send = on_got},
        .user_data = tag(peer, token),
    };
    slot->running++;
    agent->gets++;
    ucs_status_ptr_t request = ucp_get_nbx(slot->endpoint, agent->region + local, length, remote, slot->key, &params);
    if (request == NULL) {
        got(peer, token, UCS_OK);
    } else if (UCS_PTR_IS_ERR(request)) {
        got(peer, token, UCS_PTR_STATUS(request));
    }
    return 0;
}
