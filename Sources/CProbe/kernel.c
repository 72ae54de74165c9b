// Corners of the kernel, and the walls themselves.
#include "attacks.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int ring(const cprobe_targets *t) {
    (void)t;
    char parameters[256] = {0};
    return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}
static int page_faults(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_userfaultfd, O_CLOEXEC | 1));
}
static int key(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_keyctl, 0, -2, 1));  // KEYCTL_GET_KEYRING_ID of the process's own
}
static int new_key(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_add_key, "user", "probe", "x", 1, -2));
}
static int program(const cprobe_targets *t) {
    (void)t;
    union bpf_attr a;
    memset(&a, 0, sizeof a);
    a.map_type = BPF_MAP_TYPE_ARRAY;
    a.key_size = a.value_size = 4;
    a.max_entries = 1;
    return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a));
}
static int events(const cprobe_targets *t) {
    (void)t;
    struct perf_event_attr a;
    memset(&a, 0, sizeof a);
    a.type = PERF_TYPE_SOFTWARE;
    a.size = sizeof a;
    a.config = PERF_COUNT_SW_CPU_CLOCK;
    return outcome(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}
// A file system that there isn't: the kernel asks for the right to mount first.
static int mount_nothing(const cprobe_targets *t) {
    (void)t;
    return mount("none", "/", "no-such-file-system", 0, NULL) < 0 && errno != ENODEV ? -errno : 0;
}
static int pick_mount(const cprobe_targets *t) {
    (void)t;
    held = (int)syscall(SYS_fspick, AT_FDCWD, "/", 0);
    return outcome(held);
}
// Of a file system that isn't there: whoever is let in learns that the descriptor is no good.
static int configure_mount(const cprobe_targets *t) {
    (void)t;
    long n = syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0);
    return n < 0 && errno != EBADF && errno != EINVAL ? -errno : 0;
}
static int new_user(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_unshare, CLONE_NEWUSER));
}
static int self_pidfd(const cprobe_targets *t) {
    (void)t;
    held = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return outcome(held);
}
static int enter_namespace(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_setns, held, CLONE_NEWUTS));
}
static int change_root(const cprobe_targets *t) {
    (void)t;
    return outcome(chroot("/"));
}
// An empty module: the kernel asks for the right to load one first.
static int load_module(const cprobe_targets *t) {
    (void)t;
    long n = syscall(SYS_init_module, NULL, 0UL, "");
    return n < 0 && errno != ENOEXEC && errno != EFAULT ? -errno : 0;
}
static int old_behaviour(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_personality, READ_IMPLIES_EXEC));
}
static int become_root(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_setuid, 0));
}
static int take_capability(const cprobe_targets *t) {
    (void)t;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    data[0].effective = data[0].permitted = 1u << CAP_SYS_ADMIN;
    return outcome(syscall(SYS_capset, &header, data));
}
static int become_dumpable(const cprobe_targets *t) {
    (void)t;
    return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int push_input(const cprobe_targets *t) {
    (void)t;
    return outcome(ioctl(0, TIOCSTI, "x"));
}
static int other_numbers(const cprobe_targets *t) {
    (void)t;
#if defined(__x86_64__)
    return outcome(syscall(0x40000000 | SYS_getpid));
#else
    return -ENOSYS;
#endif
}
static int other_architecture(const cprobe_targets *t) {
    (void)t;
#if defined(__x86_64__)
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? (int)result : 0;
#else
    return -ENOSYS;
#endif
}

const attack kernel_attacks[] = {
    {"io-uring", NULL, ring},
    {"userfaultfd", NULL, page_faults},
    {"keyctl", NULL, key},
    {"add-key", NULL, new_key},
    {"bpf", NULL, program},
    {"perf", NULL, events},
    {"mount", NULL, mount_nothing},
    {"fspick", NULL, pick_mount},
    {"fsconfig", NULL, configure_mount},
    {"unshare-user", NULL, new_user},
    {"setns", self_pidfd, enter_namespace},
    {"chroot", NULL, change_root},
    {"init-module", NULL, load_module},
    {"personality", NULL, old_behaviour},
    {"setuid-0", NULL, become_root},
    {"capset", NULL, take_capability},
    {"dumpable", NULL, become_dumpable},
    {"tiocsti", NULL, push_input},
    {"x32", NULL, other_numbers},
    {"i386", NULL, other_architecture},
    {NULL, NULL, NULL},
};
