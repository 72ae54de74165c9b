#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define MAX_BATCH 256

int cl_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int control(int ep, int op, int fd, uint32_t events, uint64_t data) {
    struct epoll_event e = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(ep, op, fd, &e) < 0 ? -errno : 0;
}

int cl_epoll_add(int ep, int fd, uint32_t events, uint64_t data) { return control(ep, EPOLL_CTL_ADD, fd, events, data); }
int cl_epoll_modify(int ep, int fd, uint32_t events, uint64_t data) { return control(ep, EPOLL_CTL_MOD, fd, events, data); }
int cl_epoll_remove(int ep, int fd) { return control(ep, EPOLL_CTL_DEL, fd, 0, 0); }

int cl_epoll_wait(int ep, cl_event *out, int capacity, int milliseconds) {
    struct epoll_event batch[MAX_BATCH];
    if (capacity > MAX_BATCH) capacity = MAX_BATCH;
    int n = epoll_wait(ep, batch, capacity, milliseconds);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        out[i].data = batch[i].data.u64;
        out[i].events = batch[i].events;
    }
    return n;
}

ssize_t cl_write_ready(int fd, const void *bytes, size_t count) {
    // A pipe that polls writable has room for PIPE_BUF bytes, and callers write at most that much.
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready = poll(&p, 1, 0);
    if (ready < 0) return -errno;
    if (ready == 0) return -EAGAIN;
    ssize_t n = write(fd, bytes, count);
    return n < 0 ? -errno : n;
}

int cl_inotify_create(void) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cl_inotify_add(int fd, const char *folder) {
    uint32_t what = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_MODIFY
        | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    return inotify_add_watch(fd, folder, what) < 0 ? -errno : 0;
}

void cl_inotify_drain(int fd) {
    char events[4096];
    while (read(fd, events, sizeof events) > 0) {
    }
}
