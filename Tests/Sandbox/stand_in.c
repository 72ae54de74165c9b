// Stands in for a child of the supervisor that was taken over, or that breaks: CASE says what it does once it has said
// that it is ready. Descriptor 3 is its control channel. Compiled by the tests, never installed.
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REPORTS, SILENT, BARE, LIES, REFUSES, MUTE, FORGES, DISOWNS, LATE, DUMPABLE, DROPS };

// Messages of the control channel (PROTOCOL.md).
enum { READY = 1, PONG = 2, VIOLATION = 8, CERTIFICATES_JUDGED = 11 };
enum { LISTENER = 5, STATUS_PAGE = 6, PEER_SEGMENT = 7, PING = 11, ALLOWLIST = 15, CERTIFICATES = 24 };

static void say(uint8_t type, const void *payload, uint8_t size) {
    uint8_t frame[16] = {1, type, 0, 0, size};
    memcpy(frame + 8, payload, size);
    send(3, frame, 8 + size, MSG_NOSIGNAL);
}

static void note(const char *line) {
    ssize_t ignored = write(2, line, strlen(line));
    (void)ignored;
}

static void report(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    uint32_t number = (uint32_t)info->si_syscall;
    say(VIOLATION, &number, sizeof number);
    syscall(SYS_ptrace, 0, 0, 0, 0);
    _exit(1);
}

// `refused` gets this answer, ptrace is killed for, everything else passes.
static void close_in(uint32_t refused, uint32_t answer) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) note("E no filter\n");
}

// Tries to change memory that it was given to read, and says in its log what came of it.
static void forge(uint8_t type, int fd) {
    char line[80];
    uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int written = page != MAP_FAILED || pwrite(fd, "x", 1, 0) == 1;
    if (page != MAP_FAILED) page[1] = ~page[1];
    int readable = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
    snprintf(line, sizeof line, "E message %d: readable %d, writable %d\n", type, readable, written);
    note(line);
}

// Says of certificates that it shows them, and then that it can't.
static void disown(const uint8_t *use_and_key) {
    uint8_t shows[7], disowns[8];
    memcpy(shows, use_and_key, 5);
    memcpy(disowns, use_and_key, 5);
    memcpy(shows + 5, "\0\0", 2);
    memcpy(disowns + 5, "\1\0x", 3);
    say(CERTIFICATES_JUDGED, shows, sizeof shows);
    say(CERTIFICATES_JUDGED, disowns, sizeof disowns);
}

// Answers pings, and says in its log when a listening socket or a snapshot comes. With DROPS no sibling's channel lasts.
static void obey(void) {
    for (;;) {
        uint8_t frame[20000];
        uint8_t rights[256];
        struct iovec piece = {frame, sizeof frame};
        struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
        struct pollfd ready = {3, POLLIN, 0};
        poll(&ready, 1, -1);
        ssize_t n = recvmsg(3, &message, 0);
        if (n == 0) _exit(0);
        if (n < 8) continue;
        if (frame[1] == PING) say(PONG, frame + 8, 4);
        if (frame[1] == LISTENER) note("E a listening socket came\n");
        if (frame[1] == ALLOWLIST) note("E a snapshot came\n");
        if (CASE == DISOWNS && frame[1] == CERTIFICATES) disown(frame + 8);
        struct cmsghdr *first = CMSG_FIRSTHDR(&message);
        if (!first) continue;
        int fd;
        memcpy(&fd, CMSG_DATA(first), sizeof fd);
        if (CASE == FORGES && (frame[1] == STATUS_PAGE || frame[1] == PEER_SEGMENT)) forge(frame[1], fd);
        if (CASE == DROPS) close(fd);
    }
}

int main(void) {
    uint32_t forbidden = SYS_openat;
    prctl(PR_SET_DUMPABLE, CASE == DUMPABLE);
    if (CASE == REPORTS) {
        struct sigaction action = {.sa_sigaction = report, .sa_flags = SA_SIGINFO};
        sigaction(SIGSYS, &action, NULL);
        close_in(forbidden, SECCOMP_RET_TRAP);
    }
    if (CASE == SILENT) close_in(forbidden, SECCOMP_RET_KILL_PROCESS);
    if (CASE == LIES) close_in(forbidden, SECCOMP_RET_ALLOW);
    if (CASE == MUTE || CASE == FORGES || CASE == DISOWNS || CASE == DUMPABLE || CASE == DROPS)
        close_in(forbidden, SECCOMP_RET_KILL_PROCESS);
    if (CASE == REFUSES) _exit(64);
    if (CASE == LATE) usleep(500000);
    say(READY, NULL, 0);
    if (CASE == BARE || CASE == LATE || CASE == MUTE || CASE == FORGES || CASE == DISOWNS || CASE == DUMPABLE
        || CASE == DROPS)
        obey();
    usleep(300000);
    if (CASE == LIES) {
        // Says that a call was trapped, and ends in another way.
        say(VIOLATION, &forbidden, sizeof forbidden);
        usleep(100000);
        _exit(7);
    }
    syscall(SYS_openat, -100, "/etc/passwd", 0, 0);
    _exit(1);
}
