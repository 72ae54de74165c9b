#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int cl_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    return 0;
}

int cl_set_cloexec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0; }
int cl_pipe(int out[2]) { return pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0; }

int cl_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cl_socketpair(int out[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out) < 0 ? -errno : 0;
}

// ---- Packets with descriptors --------------------------------------------------------------------------

ssize_t cl_send_packet(int socket, const void *bytes, size_t count, int fd) {
    // Who may pass no descriptors has no right to sendmsg.
    if (fd < 0) return cl_send(socket, bytes, count);
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

ssize_t cl_recv_packet(int socket, void *bytes, size_t capacity, cl_received *out) {
    struct iovec piece = {.iov_base = bytes, .iov_len = capacity};
    union { char bytes[CMSG_SPACE(sizeof(int) * 4)]; struct cmsghdr align; } control;
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    out->fd_count = 0;
    out->truncated = 0;
    ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0) return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        int count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof fd, sizeof fd);
            if (out->fd_count < 4) out->fds[out->fd_count++] = fd;
            else close(fd);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) out->truncated = 1;
    return n;
}

// ---- Addresses -----------------------------------------------------------------------------------------

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int is_mapped(const uint8_t address[16]) { return memcmp(address, mapped_prefix, 12) == 0; }

static socklen_t to_sockaddr(const uint8_t address[16], uint16_t port, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (is_mapped(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address + 12, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address, 16);
    return sizeof *v6;
}

static int from_sockaddr(const struct sockaddr_storage *in, uint8_t address[16], uint16_t *port) {
    if (in->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
        memcpy(address, mapped_prefix, 12);
        memcpy(address + 12, &v4->sin_addr, 4);
        *port = ntohs(v4->sin_port);
        return 0;
    }
    if (in->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;
        memcpy(address, &v6->sin6_addr, 16);
        *port = ntohs(v6->sin6_port);
        return 0;
    }
    return -EAFNOSUPPORT;
}

int cl_local_address(int fd, uint8_t address[16], uint16_t *port) {
    struct sockaddr_storage s;
    socklen_t n = sizeof s;
    if (getsockname(fd, (struct sockaddr *)&s, &n) < 0) return -errno;
    return from_sockaddr(&s, address, port);
}

// Negative: it has none that we know of.
static int address_of_interface(const struct ifaddrs *i, uint8_t out[16]) {
    if (!i->ifa_addr) return -EAFNOSUPPORT;
    int family = i->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) return -EAFNOSUPPORT;
    struct sockaddr_storage s;
    memset(&s, 0, sizeof s);
    memcpy(&s, i->ifa_addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    uint16_t port;
    return from_sockaddr(&s, out, &port);
}

int cl_own_addresses(uint8_t *out, int capacity) {
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) < 0) return -errno;
    int n = 0;
    for (struct ifaddrs *i = list; i && n < capacity; i = i->ifa_next) {
        if (address_of_interface(i, out + 16 * n) == 0) n++;
    }
    freeifaddrs(list);
    return n;
}

int cl_interface_with(const uint8_t address[16], int or_loopback, char name[IF_NAMESIZE]) {
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) < 0) return -errno;
    const struct ifaddrs *found = NULL, *loopback = NULL;
    for (struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
        uint8_t its[16];
        if (address_of_interface(i, its) == 0 && memcmp(its, address, 16) == 0) found = i;
        if (i->ifa_flags & IFF_LOOPBACK) loopback = i;
    }
    if (!found && or_loopback) found = loopback;
    if (found) snprintf(name, IF_NAMESIZE, "%s", found->ifa_name);
    freeifaddrs(list);
    return found ? 0 : -ENODEV;
}

// ---- Listening and connecting --------------------------------------------------------------------------

static int fail_close(int fd) {
    int e = errno;
    close(fd);
    return -e;
}

// Probes after a minute of silence; a peer that answers none of four is gone.
static void keep_alive(int fd) {
    int on = 1, idle = 60, interval = 15, count = 4;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

int cl_listen_tcp(const uint8_t address[16], uint16_t port, int backlog, int dual_stack) {
    struct sockaddr_storage s;
    socklen_t n = to_sockaddr(address, port, &s);
    int fd = socket(s.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int on = 1, only = !dual_stack;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return fail_close(fd);
    if (s.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0) return fail_close(fd);
    // Accepted sockets inherit these, which saves calls for each connection. Keep-alive finds peers that vanished.
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) return fail_close(fd);
    keep_alive(fd);
    if (bind(fd, (struct sockaddr *)&s, n) < 0 || listen(fd, backlog) < 0) return fail_close(fd);
    return fd;
}

int cl_listening(int fd) {
    int on = 0;
    socklen_t n = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

static int unix_address(const char *path, struct sockaddr_un *out) {
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof out->sun_path) return -ENAMETOOLONG;
    strcpy(out->sun_path, path);
    return 0;
}

int cl_listen_unix(const char *path) {
    struct sockaddr_un a;
    int bad = unix_address(path, &a);
    if (bad) return bad;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    mode_t old = umask(0177);  // 0600 from the first moment
    int bound = bind(fd, (struct sockaddr *)&a, sizeof a);
    int e = errno;
    umask(old);
    if (bound < 0) {
        errno = e;
        return fail_close(fd);
    }
    if (listen(fd, 16) < 0) return fail_close(fd);
    return fd;
}

int cl_connect_unix(const char *path) {
    struct sockaddr_un a;
    int bad = unix_address(path, &a);
    if (bad) return bad;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) return fail_close(fd);
    return fd;
}

int cl_peer_uid(int socket, uint32_t *uid, int32_t *pid) {
    struct ucred c;
    socklen_t n = sizeof c;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0) return -errno;
    *uid = c.uid;
    *pid = c.pid;
    return 0;
}

int cl_has_filter(int fd) {
    int locked = 0;
    socklen_t n = sizeof locked;
    if (getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &n) == 0 && locked) return 1;
    // Asked with no room, the kernel answers with the number of instructions; a filter it can't show is an error.
    n = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n) < 0) return errno == ENOPROTOOPT ? 0 : 1;
    return n > 0;
}

int cl_is_as_lent(int fd) {
    struct linger l = {0};
    socklen_t n = sizeof l;
    if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n) < 0 || l.l_onoff) return 0;
    int nodelay = 0;
    n = sizeof nodelay;
    if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &n) < 0 || !nodelay) return 0;
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && flags & O_NONBLOCK && !(flags & O_ASYNC);
}

int cl_accept(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cl_accept_client(int listener, uint8_t address[16]) {
    struct sockaddr_storage s;
    socklen_t n = sizeof s;
    int fd = accept4(listener, (struct sockaddr *)&s, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return -errno;
    uint16_t port;
    if (from_sockaddr(&s, address, &port) < 0) memset(address, 0, 16);
    return fd;
}

int cl_connect_tcp(const uint8_t address[16], uint16_t port, int *out) {
    struct sockaddr_storage s;
    socklen_t n = to_sockaddr(address, port, &s);
    int fd = socket(s.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    keep_alive(fd);
    *out = fd;
    if (connect(fd, (struct sockaddr *)&s, n) == 0) return 0;
    if (errno == EINPROGRESS) return -EINPROGRESS;
    *out = -1;
    return fail_close(fd);
}

int cl_socket_error(int fd) {
    int e = 0;
    socklen_t n = sizeof e;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0) return -errno;
    return -e;
}

int cl_set_nodelay(int fd) {
    int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ? -errno : 0;
}

ssize_t cl_recv(int fd, void *bytes, size_t count) {
    ssize_t n = recv(fd, bytes, count, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

ssize_t cl_peek(int fd, void *bytes, size_t count) {
    ssize_t n = recv(fd, bytes, count, MSG_DONTWAIT | MSG_PEEK);
    return n < 0 ? -errno : n;
}

ssize_t cl_send(int fd, const void *bytes, size_t count) {
    ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

ssize_t cl_sendv(int fd, const struct iovec *pieces, int count) {
    // Not sendmsg, which could pass descriptors. Every socket of ours is non-blocking, and SIGPIPE is ignored.
    ssize_t n = writev(fd, pieces, count);
    return n < 0 ? -errno : n;
}

int cl_shutdown_write(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

int cl_reset_on_close(int fd) {
    struct linger l = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) < 0 ? -errno : 0;
}
