#define _GNU_SOURCE
#include "internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

// Read by UCX's libraries as they are loaded, before main: nothing of ours could set them in time. Without the first UCX
// makes code of its own to watch memory, without the second it takes over the signals that tell of a crash, and without
// the third it starts a thread that watches files.
static const char *const required[][2] = {
    {"UCX_MEM_EVENTS", "n"}, {"UCX_HANDLE_ERRORS", "none"}, {"UCX_VFS_ENABLE", "n"}, {"UCX_TLS", "tcp"},
    {"UCX_SOCKADDR_TLS_PRIORITY", "tcp"}, {"UCX_CM_REUSEADDR", "y"},
};

const char *cu_environment_fault(void) {
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const char *value = getenv(required[i][0]);
        if (!value || strcmp(value, required[i][1]) != 0) return required[i][0];
    }
    return getenv("UCX_TCP_PORT_RANGE") ? NULL : "UCX_TCP_PORT_RANGE";
}

const char *cu_status_text(int status) { return ucs_status_string((ucs_status_t)status); }

socklen_t cu_to_socket(const uint8_t address[16], uint16_t port, struct sockaddr_storage *out) {
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    memset(out, 0, sizeof *out);
    if (memcmp(address, mapped, sizeof mapped) == 0) {
        struct sockaddr_in *four = (struct sockaddr_in *)out;
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, address + 12, 4);
        return sizeof *four;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    memcpy(&six->sin6_addr, address, 16);
    return sizeof *six;
}

void cu_from_socket(const struct sockaddr_storage *from, uint8_t address[16], uint16_t *port) {
    memset(address, 0, 16);
    *port = 0;
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)from;
        address[10] = address[11] = 0xFF;
        memcpy(address + 12, &four->sin_addr, 4);
        *port = ntohs(four->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
        memcpy(address, &six->sin6_addr, 16);
        *port = ntohs(six->sin6_port);
    }
}

static ucs_status_t open_context(cu_agent *agent) {
    ucp_config_t *config;
    ucs_status_t status = ucp_config_read(NULL, NULL, &config);
    if (status != UCS_OK) return status;
    ucp_params_t params = {
        .field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_NAME,
        .features = UCP_FEATURE_AM | UCP_FEATURE_RMA | UCP_FEATURE_WAKEUP,
        .name = "kv-agent",
    };
    status = ucp_init(&params, config, &agent->context);
    ucp_config_release(config);
    return status;
}

static ucs_status_t open_worker(cu_agent *agent) {
    ucp_worker_params_t params = {
        .field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
        .thread_mode = UCS_THREAD_MODE_SINGLE,
    };
    ucs_status_t status = ucp_worker_create(agent->context, &params, &agent->worker);
    if (status != UCS_OK) return status;
    ucp_am_handler_param_t handler = {
        .field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG |
                      UCP_AM_HANDLER_PARAM_FIELD_FLAGS,
        .id = MESSAGE,
        .flags = UCP_AM_FLAG_WHOLE_MSG,
        .cb = cu_on_message,
        .arg = agent,
    };
    status = ucp_worker_set_am_recv_handler(agent->worker, &handler);
    if (status != UCS_OK) return status;
    return ucp_worker_get_efd(agent->worker, &agent->descriptor);
}

static ucs_status_t open_region(cu_agent *agent) {
    ucp_mem_map_params_t params = {
        .field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH,
        .address = agent->region,
        .length = agent->size,
    };
    ucs_status_t status = ucp_mem_map(agent->context, &params, &agent->memory);
    if (status != UCS_OK) return status;
    void *packed;
    size_t length;
    status = ucp_rkey_pack(agent->context, agent->memory, &packed, &length);
    if (status != UCS_OK) return status;
    if (length <= CU_KEY_LIMIT) {
        memcpy(agent->key, packed, length);
        agent->key_length = length;
    }
    ucp_rkey_buffer_release(packed);
    return length <= CU_KEY_LIMIT ? UCS_OK : UCS_ERR_EXCEEDS_LIMIT;
}

static ucs_status_t open_listener(cu_agent *agent, const cu_options *options) {
    struct sockaddr_storage address;
    ucp_listener_params_t params = {
        .field_mask = UCP_LISTENER_PARAM_FIELD_SOCK_ADDR | UCP_LISTENER_PARAM_FIELD_CONN_HANDLER,
        .sockaddr = {.addr = (struct sockaddr *)&address},
        .conn_handler = {.cb = cu_on_connection, .arg = agent},
    };
    params.sockaddr.addrlen = cu_to_socket(options->address, options->port, &address);
    return ucp_listener_create(agent->worker, &params, &agent->listener);
}

int cu_open(const cu_options *options, cu_agent **out) {
    cu_agent *agent = calloc(1, sizeof *agent);
    if (!agent) return UCS_ERR_NO_MEMORY;
    agent->region = options->region;
    agent->size = options->size;
    cu_become(agent);
    ucs_status_t status = open_context(agent);
    if (status == UCS_OK) status = open_worker(agent);
    if (status == UCS_OK) status = open_region(agent);
    if (status == UCS_OK) status = open_listener(agent, options);
    if (status == UCS_OK) status = cu_rehearse(agent, options);
    // Whoever fails here ends: nothing is taken down again.
    *out = agent;
    return status;
}

int cu_descriptor(cu_agent *agent) { return agent->descriptor; }

int cu_key(cu_agent *agent, uint8_t out[CU_KEY_LIMIT]) {
    memcpy(out, agent->key, agent->key_length);
    return (int)agent->key_length;
}

static int is_closing(const cu_agent *agent) {
    for (int i = 0; i < CU_PEERS; i++) {
        if (agent->peers[i].state == PEER_CLOSING) return 1;
    }
    return 0;
}

int cu_progress(cu_agent *agent) {
    // Whoever takes the events decides when there is room for more. An endpoint is let go of in several steps, each of
    // which counts as no work done.
    int idle = 0;
    for (int round = 0; round < 256; round++) {
        if (agent->count > EVENTS / 4) return 1;
        idle = ucp_worker_progress(agent->worker) == 0 ? idle + 1 : 0;
        if (idle > (is_closing(agent) ? 16 : 0)) return 0;
    }
    return 1;
}

int cu_patience(cu_agent *agent) { return is_closing(agent) ? 10 : -1; }

int cu_arm(cu_agent *agent) { return agent->count == 0 && ucp_worker_arm(agent->worker) == UCS_OK; }

cu_event *cu_note(cu_agent *agent, cu_kind kind, uint32_t peer) {
    if (agent->count == EVENTS) return NULL;
    cu_event *event = &agent->events[(agent->first + agent->count) % EVENTS];
    agent->count++;
    event->kind = kind;
    event->peer = peer;
    event->token = 0;
    event->status = UCS_OK;
    event->length = 0;
    return event;
}

int cu_next(cu_agent *agent, cu_event *out) {
    if (agent->count == 0) return 0;
    const cu_event *event = &agent->events[agent->first];
    memcpy(out, event, offsetof(cu_event, frame) + event->length);
    agent->first = (agent->first + 1) % EVENTS;
    agent->count--;
    if (out->kind == CU_FRAME) {
        agent->frames--;
        peer_slot *slot = cu_slot(agent, out->peer);
        if (slot && slot->frames > 0) slot->frames--;
    }
    return 1;
}
