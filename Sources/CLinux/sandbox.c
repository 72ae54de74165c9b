#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- seccomp -------------------------------------------------------------------------------------------

uint32_t cl_audit_arch(void) {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
#error "the sandbox knows x86-64 and arm64"
#endif
}

int cl_seccomp_available(void) {
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int cl_seccomp_apply(const cl_bpf *program, size_t count) {
    _Static_assert(sizeof(cl_bpf) == sizeof(struct sock_filter), "the same bytes under another name");
    struct sock_fprog filter = {.len = (unsigned short)count, .filter = (struct sock_filter *)program};
    if (count == 0 || count > BPF_MAXINSNS) return -EINVAL;
    // Without it only an administrator may filter; it also keeps every program started from here from gaining rights.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    // A positive answer is a thread that lives under another filter and could not be brought under this one.
    return result == 0 ? 0 : result < 0 ? -errno : -ESRCH;
}

// What a trapped call leaves behind: a frame on the control channel, then death by the same signal. Only calls that are
// safe in a signal handler and that every filter allows or kills for.
static int report_fd = -1;
static uint8_t report_frame[12];

static void on_violation(int sig, siginfo_t *info, void *context) {
    (void)context;
    uint32_t number = (uint32_t)info->si_syscall;
    if (report_fd >= 0) {
        memcpy(report_frame + 8, &number, sizeof number);
        ssize_t ignored = send(report_fd, report_frame, sizeof report_frame, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)ignored;
    }
    // A call that every filter kills for: the process dies of SIGSYS, whatever it has done to its handlers.
    syscall(SYS_ptrace, 0, 0, 0, 0);
    _exit(128 + sig);
}

int cl_report_violations(int fd, uint8_t version, uint8_t type) {
    memset(report_frame, 0, sizeof report_frame);
    report_frame[0] = version;
    report_frame[1] = type;
    report_frame[4] = 4;
    report_fd = fd;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_violation;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigfillset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

// ---- Landlock ------------------------------------------------------------------------------------------

// Later than the headers of some distributions.
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define ACCESS_FS_IOCTL_DEV (1ULL << 15)
#define ACCESS_NET_BIND (1ULL << 0)
#define ACCESS_NET_CONNECT (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

struct ruleset {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
};

int cl_landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? -errno : (int)abi;
}

int cl_landlock_create(int abi, int deny_bind, int deny_connect) {
    struct ruleset rules = {0};
    rules.handled_fs = (1ULL << 13) - 1;
    if (abi >= 2) rules.handled_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3) rules.handled_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= 5) rules.handled_fs |= ACCESS_FS_IOCTL_DEV;
    size_t size = sizeof rules.handled_fs;
    if (abi >= 4) {
        rules.handled_net = (deny_bind ? ACCESS_NET_BIND : 0) | (deny_connect ? ACCESS_NET_CONNECT : 0);
        size = offsetof(struct ruleset, scoped);
    }
    if (abi >= 6) {
        rules.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        size = sizeof rules;
    }
    long fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    return fd < 0 ? -errno : (int)fd;
}

int cl_landlock_allow(int ruleset, const char *path, int execute) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct stat s;
    struct landlock_path_beneath_attr rule = {0};
    rule.parent_fd = fd;
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | (execute ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
    if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int e = errno;
    close(fd);
    return result < 0 ? -e : 0;
}

// ---- Capabilities --------------------------------------------------------------------------------------

int cl_capabilities(uint64_t *effective) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    return 0;
}

int cl_keep_capabilities(uint64_t wanted) {
    for (int c = 0; c <= 63; c++) {
        if (wanted >> c & 1 || prctl(PR_CAPBSET_READ, c, 0, 0, 0) != 1) continue;
        if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0) return -errno;
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    for (int i = 0; i < 2; i++) {
        uint32_t mask = (uint32_t)(wanted >> (32 * i));
        data[i].effective &= mask;
        data[i].permitted &= mask;
        data[i].inheritable = 0;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
