#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void handled(sigset_t *set) {
    sigemptyset(set);
    int list[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGQUIT, SIGRTMIN, SIGRTMIN + 1};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) sigaddset(set, list[i]);
}

void cl_block_signals(void) {
    sigset_t set;
    handled(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int cl_signalfd(void) {
    sigset_t set;
    handled(&set);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cl_sigrtmin(void) { return SIGRTMIN; }

int cl_signalfd_read(int fd, cl_signal *out) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n != (ssize_t)sizeof info) return 0;
    out->signal = (int32_t)info.ssi_signo;
    out->sender_pid = (int32_t)info.ssi_pid;
    out->sender_uid = info.ssi_uid;
    return 1;
}

static int wait_for(idtype_t type, id_t id, int options, cl_death *out) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(type, id, &info, WEXITED | WNOHANG | options) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    out->pid = info.si_pid;
    out->code = info.si_code;
    out->status = info.si_status;
    return 1;
}

int cl_wait_pidfd(int pidfd, cl_death *out) { return wait_for((idtype_t)P_PIDFD, (id_t)pidfd, 0, out); }
int cl_peek_dead(cl_death *out) { return wait_for(P_ALL, 0, WNOWAIT, out); }
int cl_wait_pid(int pid, cl_death *out) { return wait_for(P_PID, (id_t)pid, 0, out); }

int cl_pidfd_signal(int pidfd, int sig) {
    return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

static int argument_count;
static char **arguments;

// glibc hands a constructor what main gets. Swift's own CommandLine reads /proc, which a walled-in process can't.
__attribute__((constructor)) static void note_arguments(int argc, char **argv) {
    argument_count = argc;
    arguments = argv;
}

const char *cl_argument(int index) { return index >= 0 && index < argument_count ? arguments[index] : NULL; }

int cl_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0; }
int cl_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0; }
int cl_set_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0) < 0 ? -errno : 0; }
int cl_parent_is(int pid) { return getppid() == pid; }

// ---- fork, gate, exec ----------------------------------------------------------------------------------

enum stage { STAGE_GATE = 1, STAGE_FDS, STAGE_LIMITS, STAGE_DEATHSIG, STAGE_PRIVS, STAGE_EXEC, STAGE_IDENTITY, STAGE_LANDLOCK, STAGE_CAPABILITIES };
#define HIGH_FD 64

static void fail(int report, int stage) {
    int message[2] = {stage, errno};
    ssize_t ignored = write(report, message, sizeof message);
    (void)ignored;
    _exit(127);
}

// Runs in the child. Only calls that are safe after fork; never returns.
static void become(const cl_spawn_plan *plan, int gate, int report, int parent) {
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL);
    // Orders reach a child over its channel. What a terminal or a careless pkill sends to the whole family is the
    // supervisor's to act on; ignored dispositions survive exec.
    int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGRTMIN, SIGRTMIN + 1};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);

    // The parent's death must be ours too, from before the gate on.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail(report, STAGE_DEATHSIG);
    if (getppid() != parent) _exit(127);

    char byte;
    ssize_t n;
    while ((n = read(gate, &byte, 1)) < 0 && errno == EINTR) {}
    if (n != 1) _exit(127);  // the parent gave up

    // Move everything that is wanted above HIGH_FD first, so that no target overwrites a source.
    int high_report = fcntl(report, F_DUPFD_CLOEXEC, HIGH_FD);
    if (high_report < 0) fail(report, STAGE_FDS);
    int landlock = plan->landlock < 0 ? -1 : fcntl(plan->landlock, F_DUPFD_CLOEXEC, HIGH_FD);
    int executable = plan->executable < 0 ? -1 : fcntl(plan->executable, F_DUPFD_CLOEXEC, HIGH_FD);
    if ((plan->landlock >= 0 && landlock < 0) || (plan->executable >= 0 && executable < 0)) fail(high_report, STAGE_FDS);
    int moved[16];
    if (plan->fd_count > 16) { errno = EINVAL; fail(high_report, STAGE_FDS); }
    for (int i = 0; i < plan->fd_count; i++) {
        int source = plan->fds[i];
        if (source < 0) {
            source = open("/dev/null", O_RDWR | O_CLOEXEC);
            if (source < 0) fail(high_report, STAGE_FDS);
        }
        moved[i] = fcntl(source, F_DUPFD_CLOEXEC, HIGH_FD);
        if (moved[i] < 0) fail(high_report, STAGE_FDS);
    }
    for (int i = 0; i < plan->fd_count; i++)
        if (dup2(moved[i], i) < 0) fail(high_report, STAGE_FDS);
    if (syscall(SYS_close_range, plan->fd_count, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
        // Kernels before 5.11: the descriptors are close-on-exec already, this was the second lock on the door.
        if (errno != ENOSYS && errno != EINVAL) fail(high_report, STAGE_FDS);
    }

    struct rlimit core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &core) < 0) fail(high_report, STAGE_LIMITS);
    if (plan->nofile) {
        struct rlimit files;
        if (getrlimit(RLIMIT_NOFILE, &files) < 0) fail(high_report, STAGE_LIMITS);
        rlim_t want = plan->nofile < files.rlim_max ? plan->nofile : files.rlim_max;
        files.rlim_cur = files.rlim_max = want;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0) fail(high_report, STAGE_LIMITS);
    }
    // Raw calls: glibc's wrappers would signal threads that a forked child doesn't have.
    if (plan->user != 0) {
        // Those that this kernel doesn't have aren't there to be given up.
        for (int c = 0; c <= 63; c++) {
            if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
                fail(high_report, STAGE_CAPABILITIES);
        }
        if (syscall(SYS_setgroups, 0, NULL) < 0) fail(high_report, STAGE_IDENTITY);
        if (syscall(SYS_setresgid, plan->user, plan->user, plan->user) < 0) fail(high_report, STAGE_IDENTITY);
        if (syscall(SYS_setresuid, plan->user, plan->user, plan->user) < 0) fail(high_report, STAGE_IDENTITY);
        // Mostly gone with the user; not where the house was started with securebits that keep them.
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct none_left[2] = {{0, 0, 0}, {0, 0, 0}};
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none_left) < 0)
            fail(high_report, STAGE_CAPABILITIES);
        // A change of user clears it.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail(high_report, STAGE_DEATHSIG);
        if (getppid() != parent) _exit(127);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(high_report, STAGE_PRIVS);
    if (landlock >= 0 && syscall(SYS_landlock_restrict_self, landlock, 0) < 0) fail(high_report, STAGE_LANDLOCK);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (executable >= 0) {
        syscall(SYS_execveat, executable, "", plan->argv, plan->envp, AT_EMPTY_PATH);
    } else {
        execve(plan->path, plan->argv, plan->envp);
    }
    fail(high_report, STAGE_EXEC);
}

int cl_spawn_begin(const cl_spawn_plan *plan, cl_spawned *out) {
    int gate[2], report[2];
    if (pipe2(gate, O_CLOEXEC) < 0) return -errno;
    if (pipe2(report, O_CLOEXEC) < 0) {
        int e = errno;
        close(gate[0]), close(gate[1]);
        return -e;
    }
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int parent = getpid();
    int pidfd = -1;
    // clone3 answers ENOSYS under the container runtimes' default filter; clone with CLONE_PIDFD does not.
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0);
    int e = errno;
    if (pid == 0) {
        close(gate[1]);
        become(plan, gate[0], report[1], parent);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(gate[0]);
    close(report[1]);
    if (pid < 0) {
        close(gate[1]), close(report[0]);
        return -e;
    }
    out->pid = (int32_t)pid;
    out->pidfd = pidfd;
    out->gate = gate[1];
    out->report = report[0];
    return 0;
}

int cl_spawn_finish(cl_spawned *child, int *stage) {
    ssize_t n = write(child->gate, "g", 1);
    close(child->gate);
    child->gate = -1;
    int message[2] = {STAGE_GATE, EPIPE};
    if (n == 1) {
        while ((n = read(child->report, message, sizeof message)) < 0 && errno == EINTR) {}
    }
    close(child->report);
    child->report = -1;
    if (n == 0) return 0;
    *stage = message[0];
    return -message[1];
}
