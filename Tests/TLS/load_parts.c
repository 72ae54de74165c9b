// Options, the engine, and the reading of answers for load.c.
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t load_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void load_die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

struct options load_options(int count, char **words) {
    struct options o = {.parallel = 16, .chunks = 100, .interval_ms = 10, .count = UINT64_MAX, .seconds = 600};
    static const char *modes[] = {"engine", "handshakes", "requests", "streams"};
    int found = 0;
    for (int i = 0; i < 4 && count > 1; i++)
        if (strcmp(words[1], modes[i]) == 0) o.mode = (enum mode)i, found = 1;
    for (int i = 2; i < count && found; i++) {
        const char *name = words[i];
        if (strcmp(name, "--tls12") == 0) { o.tls12 = 1; continue; }
        if (strcmp(name, "--request") == 0) { o.request = 1; continue; }
        const char *value = ++i < count ? words[i] : "";
        if (strcmp(name, "--port") == 0) o.port = (uint16_t)atoi(value);
        else if (strcmp(name, "--parallel") == 0) o.parallel = (unsigned)atoi(value);
        else if (strcmp(name, "--chunks") == 0) o.chunks = (unsigned)atoi(value);
        else if (strcmp(name, "--interval-ms") == 0) o.interval_ms = (unsigned)atoi(value);
        else if (strcmp(name, "--resumed-of-ten") == 0) o.resumed_of_ten = (unsigned)atoi(value);
        else if (strcmp(name, "--count") == 0) o.count = strtoull(value, NULL, 10);
        else if (strcmp(name, "--seconds") == 0) o.seconds = atof(value);
        else if (strcmp(name, "--suite") == 0) o.suite = value;
        else found = 0;
    }
    if (!found) {
        fprintf(stderr, "usage: see the head of load.c\n");
        exit(64);
    }
    return o;
}

// MARK: Answers

void answer_begin(struct answer *a) { memset(a, 0, sizeof *a); }

static int head_taken(struct answer *a) {
    a->head[a->head_count] = 0;
    if (strncmp(a->head, "HTTP/1.1 200", 12) != 0) return -1;
    const char *length = strcasestr(a->head, "\r\ncontent-length:");
    if (length) {
        a->left = strtoull(length + 17, NULL, 10);
        a->state = a->left ? LENGTH : COMPLETE;
    } else if (strcasestr(a->head, "\r\ntransfer-encoding: chunked")) {
        a->state = SIZE;
    } else {
        return -1;
    }
    return 0;
}

static void body(struct answer *a, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (a->event_count < sizeof a->event - 1) a->event[a->event_count++] = bytes[i];
        if (bytes[i] != '\n' || a->event_count < 2 || a->event[a->event_count - 2] != '\n') continue;
        a->event[a->event_count] = 0;
        const char *number = strstr(a->event, "\"number\":");
        if (number && strtoul(number + 9, NULL, 10) != a->events) a->out_of_order++;
        if (number) a->events++;
        a->event_count = 0;
    }
}

int answer_take(struct answer *a, const char *p, size_t count) {
    const char *stop = p + count;
    while (p < stop) {
        switch (a->state) {
        case HEAD:
            if (a->head_count == sizeof a->head - 1) return -1;
            a->head[a->head_count++] = *p++;
            if (a->head_count >= 4 && memcmp(a->head + a->head_count - 4, "\r\n\r\n", 4) == 0 && head_taken(a)) return -1;
            break;
        case LENGTH: case DATA: {
            size_t n = (size_t)(stop - p) < a->left ? (size_t)(stop - p) : (size_t)a->left;
            if (a->state == DATA) body(a, p, n);
            p += n;
            a->left -= n;
            if (!a->left) a->state = a->state == LENGTH ? COMPLETE : DATA_END;
            break;
        }
        case SIZE:
            if (*p == '\n') {
                a->left = a->size;
                a->state = a->size ? DATA : LAST;
                a->size = 0;
            } else if (*p != '\r') {
                int digit = *p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10;
                if (digit < 0 || digit > 15) return -1;
                a->size = a->size * 16 + (uint64_t)digit;
            }
            p++;
            break;
        case DATA_END:
            if (*p++ == '\n') a->state = SIZE;
            break;
        case LAST:
            if (*p++ == '\n') a->state = COMPLETE;
            break;
        case COMPLETE: return -1;
        }
    }
    return a->state == COMPLETE;
}

// MARK: The engine

struct guest {
    int fd;
    char in[8192];
    size_t count;
    unsigned streamed, active;
    uint64_t next;
};

static void put(int fd, const char *bytes, size_t count) {
    // What doesn't fit is waited for: an engine has nothing better to do.
    while (count) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return;
        if (n < 0) { usleep(100); continue; }
        bytes += n;
        count -= (size_t)n;
    }
}

static void one_event(struct guest *g, const struct options *o, uint64_t now) {
    char event[400], chunk[500];
    int n = snprintf(event, sizeof event, "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\","
                     "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}],\"number\":%u}\n\n", g->streamed);
    int size = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", n, event);
    put(g->fd, chunk, (size_t)size);
    g->next += (uint64_t)o->interval_ms * 1000000u;
    if (g->next < now) g->next = now;
    if (++g->streamed < o->chunks) return;
    put(g->fd, "0\r\n\r\n", 5);
    g->active = 0;
}

static void answer_all(struct guest *g, const struct options *o) {
    char *end;
    while ((end = memmem(g->in, g->count, "\r\n\r\n", 4))) {
        *end = 0;
        const char *length = strcasestr(g->in, "\r\ncontent-length:");
        size_t whole = (size_t)(end + 4 - g->in) + (length ? strtoul(length + 17, NULL, 10) : 0);
        *end = '\r';
        if (g->count < whole) return;
        if (memmem(g->in, whole, "\"stream\":true", 13)) {
            static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            put(g->fd, head, sizeof head - 1);
            g->active = 1;
            g->streamed = 0;
            g->next = load_now() + (uint64_t)o->interval_ms * 1000000u;
        } else {
            char out[1400];
            int n = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n");
            memset(out + n, ' ', 1024);
            out[n] = '{';
            out[n + 1] = '}';
            put(g->fd, out, (size_t)n + 1024);
        }
        memmove(g->in, g->in + whole, g->count - whole);
        g->count -= whole;
    }
}

int load_engine(const struct options *o) {
    static struct guest *guests[65536];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, highest = 0;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(o->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) load_die("listen");
    socklen_t size = sizeof at;
    getsockname(listener, (void *)&at, &size);
    printf("PORT %d\n", ntohs(at.sin_port));
    fflush(stdout);
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, happened[256];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    unsigned streams = 0;
    for (;;) {
        int n = epoll_wait(poll_fd, happened, 256, streams ? 1 : -1);
        for (int i = 0; i < n; i++) {
            int fd = happened[i].data.fd;
            if (fd == listener) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    if (fd >= 65536) load_die("too many");
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    guests[fd] = calloc(1, sizeof **guests);
                    guests[fd]->fd = fd;
                    if (fd > highest) highest = fd;
                    event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            struct guest *g = guests[fd];
            ssize_t got = recv(fd, g->in + g->count, sizeof g->in - g->count, 0);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                close(fd);
                free(g);
                guests[fd] = NULL;
                continue;
            }
            g->count += (size_t)got;
            answer_all(g, o);
        }
        uint64_t now = load_now();
        streams = 0;
        for (int fd = 0; fd <= highest; fd++) {
            if (!guests[fd] || !guests[fd]->active) continue;
            if (guests[fd]->next <= now) one_event(guests[fd], o, now);
            streams += guests[fd]->active;
        }
    }
}
