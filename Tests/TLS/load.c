// Load over TLS, and a plain engine to put behind what is loaded. One thread, epoll; numeric IPv4 on loopback only.
//
//   load engine --port P [--interval-ms N] [--chunks N]
//       answers any request with 1 KiB, and one that holds "stream":true with that many events at that interval
//   load handshakes --port P --count N [--parallel N] [--resumed-of-ten K] [--request] [--tls12] [--suite S]
//   load requests --port P --seconds S [--parallel N]       a closed loop over kept connections
//   load streams --port P --parallel N --chunks N           one stream each, every event counted and its order checked
//
// Prints one JSON object at the end. Certificates are not verified: other tests do that.
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int fd;
    SSL *ssl;
    enum { IDLE, HANDSHAKE, SEND, RECEIVE, FAREWELL } state;
    size_t sent;
    struct answer answer;
    SSL_SESSION *session;
    unsigned turn;
    uint64_t begun;
} connection;

static struct options options;
static SSL_CTX *context;
static int poll_fd;
static char request[4096];
static size_t request_count;
static uint64_t stop_at;
static uint64_t started, done, full, resumed, failed, events, out_of_order, latency_sum, latency_max, busy;
static char first_failure[256];

static int keep(SSL *ssl, SSL_SESSION *session) {
    connection *c = SSL_get_app_data(ssl);
    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

static void begin(connection *c);

static void note(const char *what) {
    failed++;
    if (first_failure[0]) return;
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : strerror(errno);
    snprintf(first_failure, sizeof first_failure, "%s: %s", what, reason ? reason : "?");
}

static void end(connection *c, int orderly) {
    if (c->ssl) {
        if (orderly) SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    c->ssl = NULL;
    if (c->fd >= 0) {
        // A reset, so that no port is left waiting.
        struct linger now = {1, 0};
        if (options.mode == MODE_HANDSHAKES) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(c->fd);
    }
    c->fd = -1;
    c->state = IDLE;
    busy--;
}

static int more(void) {
    if (load_now() >= stop_at) return 0;
    if (options.mode == MODE_HANDSHAKES) return started < options.count;
    if (options.mode == MODE_STREAMS) return started < options.parallel;
    return 1;
}

static void send_request(connection *c) {
    c->state = SEND;
    c->sent = 0;
    answer_begin(&c->answer);
    c->begun = load_now();
}

static void begin(connection *c) {
    if (!more()) return;
    started++;
    busy++;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) load_die("socket");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(c->fd, (void *)&to, sizeof to) && errno != EINPROGRESS) load_die("connect");
    c->ssl = SSL_new(context);
    SSL_set_app_data(c->ssl, c);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_connect_state(c->ssl);
    if (c->session && ++c->turn % 10 < options.resumed_of_ten) SSL_set_session(c->ssl, c->session);
    c->state = HANDSHAKE;
    c->begun = load_now();
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

// The goodbye is answered before the connection ends: so the server has seen all of the handshake.
static void take_leave(connection *c) {
    SSL_shutdown(c->ssl);
    c->state = FAREWELL;
}

static void finished(connection *c) {
    uint64_t took = load_now() - c->begun;
    latency_sum += took;
    if (took > latency_max) latency_max = took;
    done++;
    if (options.mode == MODE_REQUESTS && more()) {
        send_request(c);
        return;
    }
    end(c, 1);
    begin(c);
}

static void broken(connection *c, const char *what) {
    note(what);
    end(c, 0);
    begin(c);
}

// Goes on until the socket has nothing more to give or take.
static void drive(connection *c) {
    static char buffer[65536];
    while (c->state != IDLE) {
        ERR_clear_error();
        errno = 0;
        int n;
        if (c->state == HANDSHAKE) {
            n = SSL_do_handshake(c->ssl);
            if (n == 1) {
                if (SSL_session_reused(c->ssl)) resumed++; else full++;
                if (options.mode == MODE_HANDSHAKES && !options.request) take_leave(c); else send_request(c);
                continue;
            }
        } else if (c->state == SEND) {
            n = SSL_write(c->ssl, request + c->sent, (int)(request_count - c->sent));
            if (n > 0) {
                c->sent += (size_t)n;
                if (c->sent == request_count) c->state = RECEIVE;
                continue;
            }
        } else if (c->state == FAREWELL) {
            n = SSL_read(c->ssl, buffer, sizeof buffer);
            if (n > 0) return broken(c, "something was said unasked");
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) return finished(c);
        } else {
            n = SSL_read(c->ssl, buffer, sizeof buffer);
            if (n > 0) {
                int verdict = answer_take(&c->answer, buffer, (size_t)n);
                if (verdict < 0) return broken(c, "the answer is wrong");
                if (verdict > 0) {
                    events += c->answer.events;
                    out_of_order += c->answer.out_of_order;
                    if (options.mode == MODE_STREAMS && c->answer.events != options.chunks) return broken(c, "events are missing");
                    finished(c);
                }
                if (c->state == HANDSHAKE) return;
                continue;
            }
        }
        int why = SSL_get_error(c->ssl, n);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
        // Not connected yet: an event will tell.
        if (c->state == HANDSHAKE && errno == ENOTCONN) return;
        return broken(c, c->state == HANDSHAKE ? "handshake" : c->state == SEND ? "send" : "receive");
    }
}

static void prepare(void) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    int version = options.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set1_groups_list(context, "X25519:P-256");
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
    if (options.suite && !(options.tls12 ? SSL_CTX_set_cipher_list(context, options.suite) : SSL_CTX_set_ciphersuites(context, options.suite)))
        load_die("no such suite");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep);
    if (options.mode == MODE_HANDSHAKES) {
        request_count = (size_t)snprintf(request, sizeof request, "GET /v1/models HTTP/1.1\r\nHost: load\r\n\r\n");
        return;
    }
    char body[1100];
    int n = snprintf(body, sizeof body, "{\"model\":\"tiny\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"", options.mode == MODE_STREAMS ? "true" : "false");
    memset(body + n, 'w', 1020 - (size_t)n);
    memcpy(body + 1020, "\"}]}", 4);
    request_count = (size_t)snprintf(request, sizeof request, "POST /v1/chat/completions HTTP/1.1\r\nHost: load\r\n"
                                     "Content-Type: application/json\r\nContent-Length: 1024\r\n\r\n");
    memcpy(request + request_count, body, 1024);
    request_count += 1024;
}

int main(int count, char **words) {
    options = load_options(count, words);
    if (options.mode == MODE_ENGINE) return load_engine(&options);
    prepare();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    connection *all = calloc(options.parallel, sizeof *all);
    uint64_t begun = load_now();
    stop_at = begun + (uint64_t)(options.seconds * 1e9);
    uint64_t cut_off = stop_at + 30000000000u;
    for (unsigned i = 0; i < options.parallel; i++) {
        all[i].fd = -1;
        begin(&all[i]);
    }
    struct epoll_event events_now[256];
    while (busy && load_now() < cut_off) {
        int n = epoll_wait(poll_fd, events_now, 256, 1000);
        for (int i = 0; i < n; i++) drive(events_now[i].data.ptr);
    }
    double seconds = (double)(load_now() - begun) / 1e9;
    printf("{\"done\": %lu, \"full\": %lu, \"resumed\": %lu, \"failed\": %lu, \"unfinished\": %lu, \"events\": %lu, "
           "\"out_of_order\": %lu, \"seconds\": %.3f, \"mean_us\": %.1f, \"max_us\": %.1f, \"failure\": \"%s\"}\n",
           done, full, resumed, failed, busy, events, out_of_order, seconds, done ? (double)latency_sum / 1e3 / (double)done : 0,
           (double)latency_max / 1e3, first_failure);
    return 0;
}
