// The network, and the listening socket that processes share.
#include "attacks.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static int open_socket(int family, int type, int protocol) {
    held = socket(family, type | FLAGS, protocol);
    return held < 0 ? -errno : 0;
}

#define SOCKET(name, family, type, protocol)        \
    static int name(const cprobe_targets *t) {      \
        (void)t;                                    \
        return open_socket(family, type, protocol); \
    }
SOCKET(tcp, AF_INET, SOCK_STREAM, 0)
SOCKET(udp, AF_INET, SOCK_DGRAM, 0)
SOCKET(raw, AF_INET, SOCK_RAW, IPPROTO_ICMP)
SOCKET(packets, AF_PACKET, SOCK_RAW, 0)
SOCKET(netlink, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET(mptcp, AF_INET, SOCK_STREAM, 262)
SOCKET(local, AF_UNIX, SOCK_STREAM, 0)

static struct sockaddr_in address(const char *text) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[64];
    snprintf(host, sizeof host, "%s", text);
    char *colon = strchr(host, ':');
    if (colon) {
        *colon = 0;
        a.sin_port = htons((uint16_t)atoi(colon + 1));
    }
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int reach(const char *where) {
    struct sockaddr_in a = address(where);
    if (connect(held, (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS) return 0;
    return -errno;
}
static int connect_api(const cprobe_targets *t) { return reach(t->api); }
static int connect_metadata(const cprobe_targets *t) { return reach(t->metadata); }
static int connect_outside(const cprobe_targets *t) { return reach(t->outside); }

static int connect_abstract(const cprobe_targets *t) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t length = strlen(t->abstract);
    if (length + 1 > sizeof a.sun_path) return -EINVAL;
    memcpy(a.sun_path + 1, t->abstract, length);
    return outcome(connect(held, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)));
}

static int bind_port(const cprobe_targets *t) {
    (void)t;
    struct sockaddr_in a = address("127.0.0.1:0");
    if (bind(held, (struct sockaddr *)&a, sizeof a) < 0) return -errno;
    return outcome(listen(held, 1));
}

static int send_udp(const cprobe_targets *t) {
    struct sockaddr_in a = address(t->outside);
    return outcome(sendto(held, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
}
static int send_fast(const cprobe_targets *t) {
    struct sockaddr_in a = address(t->outside);
    ssize_t n = sendto(held, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a);
    return n < 0 && errno != EINPROGRESS ? -errno : 0;
}
static int send_message_fast(const cprobe_targets *t) {
    struct sockaddr_in a = address(t->outside);
    struct iovec piece = {"x", 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &piece, .msg_iovlen = 1};
    ssize_t n = sendmsg(held, &m, MSG_FASTOPEN | MSG_NOSIGNAL);
    return n < 0 && errno != EINPROGRESS ? -errno : 0;
}
static int send_several(const cprobe_targets *t) {
    struct sockaddr_in a = address(t->outside);
    struct iovec piece = {"x", 1};
    struct mmsghdr m = {.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &piece, .msg_iovlen = 1}};
    int n = sendmmsg(held, &m, 1, MSG_FASTOPEN | MSG_NOSIGNAL);
    return n < 0 && errno != EINPROGRESS ? -errno : 0;
}

static int shut_down(const cprobe_targets *t) { return outcome(shutdown(t->listener, SHUT_RDWR)); }
static int attach_filter(const cprobe_targets *t) {
    struct sock_filter all = {0x06, 0, 0, 0xFFFFFFFF};
    struct sock_fprog program = {1, &all};
    return outcome(setsockopt(t->listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}
// Connections that are accepted inherit it: closing one would reset it.
static int reset_all(const cprobe_targets *t) {
    struct linger at_once = {1, 0};
    return outcome(setsockopt(t->listener, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}
static int lock_filter(const cprobe_targets *t) {
    int one = 1;
    return outcome(setsockopt(t->listener, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one));
}

const attack network_attacks[] = {
    {"tcp-socket", NULL, tcp},
    {"connect-api", tcp, connect_api},
    {"connect-metadata", tcp, connect_metadata},
    {"connect-outside", tcp, connect_outside},
    {"bind-listen", tcp, bind_port},
    {"udp-socket", NULL, udp},
    {"udp-send", udp, send_udp},
    {"raw-socket", NULL, raw},
    {"packet-socket", NULL, packets},
    {"netlink-socket", NULL, netlink},
    {"mptcp-socket", NULL, mptcp},
    {"unix-socket", NULL, local},
    {"unix-abstract", local, connect_abstract},
    {"fastopen-sendto", tcp, send_fast},
    {"fastopen-sendmsg", tcp, send_message_fast},
    {"sendmmsg", tcp, send_several},
    {"shutdown-listener", NULL, shut_down},
    {"linger-listener", NULL, reset_all},
    {"attach-filter", NULL, attach_filter},
    {"lock-filter", NULL, lock_filter},
    {NULL, NULL, NULL},
};
