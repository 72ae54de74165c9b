// A peer of a KV agent that does what it is told to do wrong. It speaks UCX by the agent's own shim.
//   stand_in PORT CASE              waits to be called
//   stand_in PORT CASE PEER-PORT    calls 127.0.0.1:PEER-PORT, and says what it hears
#define _GNU_SOURCE
#include "CUCX.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE (1 << 20)

enum { HELLO = 1, WELCOME, ANNOUNCE, ACCEPTED, REFUSED, VERIFY, CHECKSUM, ACKNOWLEDGE };

static cu_agent *agent;
static uint8_t *region;
static const char *what;

static int is(const char *name) { return strcmp(what, name) == 0; }

static void put(uint8_t **at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *(*at)++ = (uint8_t)(value >> (8 * i));
}

static uint8_t *begin(uint8_t *frame, int type) {
    put(&frame, 0x4741564B, 4);
    put(&frame, is("version") ? 3 : 2, 2);
    put(&frame, (uint64_t)type, 1);
    put(&frame, 0, 1);
    return frame;
}

static void send_plain(uint32_t peer, int type, uint64_t field, int bytes) {
    uint8_t frame[CU_FRAME_LIMIT], *at = begin(frame, type);
    put(&at, field, bytes);
    cu_send(agent, peer, frame, (size_t)(at - frame));
}

static void welcome(uint32_t peer) {
    uint8_t frame[CU_FRAME_LIMIT], key[CU_KEY_LIMIT], *at = begin(frame, WELCOME);
    int length = cu_key(agent, key);
    // An address that wraps around when an offset is added, or a region that is there by word only.
    uint64_t base = is("wraps") ? UINT64_MAX - 16 : (uint64_t)(uintptr_t)region;
    put(&at, is("small") ? 16 : is("huge") || is("wraps") ? UINT64_MAX : SIZE, 8);
    put(&at, base, 8);
    if (is("key")) key[0] ^= 0xFF;
    if (is("long-key")) length = CU_KEY_LIMIT;
    put(&at, (uint64_t)length, 1);
    for (int i = 0; i < length; i++) *at++ = key[i];
    cu_send(agent, peer, frame, (size_t)(at - frame));
}

static void nonsense(uint32_t peer) {
    uint8_t frame[CU_FRAME_LIMIT];
    memset(frame, 0xA7, sizeof frame);
    if (is("nonsense")) cu_send(agent, peer, frame, 100);
    if (is("empty")) cu_send(agent, peer, frame, 0);
    if (is("long")) cu_send(agent, peer, frame, CU_FRAME_LIMIT);
    if (is("too-early")) send_plain(peer, ACCEPTED, 0, 0);
    if (is("flood")) for (int i = 0; i < 5000; i++) send_plain(peer, ACCEPTED, 0, 0);
}

// Called by an agent.
static void answer(uint32_t peer, const cu_event *event) {
    int type = event->length >= 8 ? event->frame[6] : 0;
    if (is("silent")) return;
    if (type == HELLO) {
        nonsense(peer);
        if (is("busy")) send_plain(peer, REFUSED, 3, 1);
        else welcome(peer);
    } else if (type == ANNOUNCE) {
        if (is("refuses")) send_plain(peer, REFUSED, 2, 1);
        else if (!is("never-accepts")) send_plain(peer, ACCEPTED, 0, 0);
        if (is("leaves")) cu_close(agent, peer);
    } else if (type == VERIFY) {
        uint32_t sum = cu_crc32c(0, region, SIZE);
        if (!is("never-sums")) send_plain(peer, CHECKSUM, is("sum") ? ~sum : sum, 4);
    }
}

static void announce(uint32_t peer) {
    uint8_t frame[CU_FRAME_LIMIT], *at = begin(frame, ANNOUNCE);
    put(&at, 4, 2);
    memcpy(at, "lies", 4), at += 4;
    put(&at, is("zero") ? 0 : is("overflow") ? UINT64_MAX : 1, 8);
    put(&at, is("overflow") ? UINT32_MAX : 4096, 4);
    put(&at, is("outside") ? UINT64_MAX - 4095 : 0, 8);
    cu_send(agent, peer, frame, (size_t)(at - frame));
}

// Calling an agent.
static void call(uint32_t peer) {
    if (is("silent")) return;
    nonsense(peer);
    if (is("flood") || is("nonsense") || is("empty") || is("long") || is("too-early")) return;
    if (!is("no-hello")) send_plain(peer, HELLO, 0, 0);
    if (is("only-hello") || is("version")) return;
    announce(peer);
}

// What the agent answers us; what is said twice is said again when the first has been answered.
static void hear(uint32_t peer, const cu_event *event) {
    int type = event->length >= 8 ? event->frame[6] : -1;
    printf("heard %d", type);
    if (event->length == 9) printf(" %d", event->frame[8]);
    putchar('\n');
    fflush(stdout);
    if (is("twice") && type == ACCEPTED) announce(peer);
    if (is("sums-twice") && (type == ACCEPTED || type == CHECKSUM)) send_plain(peer, VERIFY, 0, 0);
}

// Where it uses loopback UCX tells hosts apart by their boot id, which its libraries read before main, and calls no peer
// with another one. Agents can't read it, so we must not either: we begin again behind a wall.
static int hide_proc(char **argv) {
    if (getenv("STAND_IN_BEGUN")) return 1;
    setenv("STAND_IN_BEGUN", "1", 1);
    struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    const char *open_to_all[] = {"/usr", "/lib", "/lib64", "/sys", argv[0]};
    for (int i = 0; i < 5 && ruleset >= 0; i++) {
        struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
        rule.parent_fd = open(open_to_all[i], O_PATH);
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        close(rule.parent_fd);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0) execv(argv[0], argv);
    perror("Landlock");
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    what = argv[2];
    int fd = memfd_create("stand-in", 0);
    if (fd < 0 || ftruncate(fd, SIZE) < 0) return 71;
    region = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (region == MAP_FAILED) return 71;
    for (size_t i = 0; i < SIZE; i++) region[i] = (uint8_t)(i * 7 + 1);
    if (!hide_proc(argv)) return 71;
    cu_options options = {.port = (uint16_t)atoi(argv[1]), .region = region, .size = SIZE};
    uint8_t loopback[16] = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1};
    memcpy(options.address, loopback, sizeof loopback);
    int status = cu_open(&options, &agent);
    if (status != 0) {
        printf("can't be set up: %s\n", cu_status_text(status));
        return 71;
    }
    puts("ready");
    fflush(stdout);
    int64_t called = -1;
    if (argc > 3) {
        called = cu_connect(agent, loopback, (uint16_t)atoi(argv[3]));
        call((uint32_t)called);
    }
    for (;;) {
        cu_event event;
        cu_progress(agent);
        while (cu_next(agent, &event)) {
            switch (event.kind) {
            case CU_ARRIVED: cu_accept(agent, event.peer); break;
            case CU_FRAME:
                if (called < 0) answer(event.peer, &event);
                else hear(event.peer, &event);
                break;
            case CU_LOST:
                cu_close(agent, event.peer);
                if (called >= 0) {
                    puts("cut off");
                    return 0;
                }
                break;
            default: break;
            }
        }
        if (!cu_arm(agent)) continue;
        struct pollfd ready = {.fd = cu_descriptor(agent), .events = POLLIN};
        poll(&ready, 1, cu_patience(agent));
    }
}
