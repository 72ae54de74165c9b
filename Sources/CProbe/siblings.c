// Other processes, and new ones.
#include "attacks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

// A signal that processes of the house ignore; the kernel's check is the same as for SIGKILL.
#define HARMLESS SIGUSR1
// PTRACE_SEIZE leaves its target running, and the tracer's end lets it go.
#define SEIZE 0x4206

static int seize(const cprobe_targets *t) { return outcome(syscall(SYS_ptrace, SEIZE, t->victim, 0, 0)); }

static int read_memory(const cprobe_targets *t) {
    char bytes[8];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)0x10000, sizeof bytes};
    long n = syscall(SYS_process_vm_readv, t->victim, &local, 1, &remote, 1, 0);
    // A wrong address: the kernel had nothing against it otherwise.
    return n < 0 && errno != EFAULT ? -errno : 0;
}

static int open_pidfd(const cprobe_targets *t) {
    held = (int)syscall(SYS_pidfd_open, t->victim, 0);
    return outcome(held);
}
static int take_descriptor(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_pidfd_getfd, held, 3, 0));
}
static int signal_pidfd(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_pidfd_send_signal, held, HARMLESS, NULL, 0));
}
static int signal_process(const cprobe_targets *t) { return outcome(syscall(SYS_kill, t->victim, HARMLESS)); }
static int signal_thread(const cprobe_targets *t) {
    return outcome(syscall(SYS_tgkill, t->victim, t->victim, HARMLESS));
}

static int limit(const cprobe_targets *t) {
    struct rlimit l = {0, 4096};
    return outcome(syscall(SYS_prlimit64, t->victim, RLIMIT_MSGQUEUE, &l, NULL));
}

static cpu_set_t processors;
static int note_processors(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_sched_getaffinity, 0, sizeof processors, &processors));
}
static int pin(const cprobe_targets *t) {
    return outcome(syscall(SYS_sched_setaffinity, t->victim, sizeof processors, &processors));
}

// This program in another role: it says that it runs and ends.
static int run_program(const cprobe_targets *t) {
    char *const argv[] = {(char *)t->program, (char *)"executed", NULL};
    char *const envp[] = {NULL};
    return outcome(syscall(SYS_execve, t->program, argv, envp));
}

static int run_shell(const cprobe_targets *t) {
    (void)t;
    char *const argv[] = {"sh", "-c", "echo result 0", NULL};
    char *const envp[] = {NULL};
    return outcome(syscall(SYS_execve, "/bin/sh", argv, envp));
}

static long child(void) { return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0); }

// A process in namespaces of its own, where it may do what it may not here.
static int fork_apart(const cprobe_targets *t) {
    (void)t;
    long pid = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0) _exit(0);
    if (pid < 0) return -errno;
    waitpid((pid_t)pid, NULL, 0);
    return 0;
}

// The same by the call whose flags are in memory.
static int fork_apart_unseen(const cprobe_targets *t) {
    (void)t;
    uint64_t arguments[8] = {CLONE_NEWUSER | CLONE_NEWNET, 0, 0, 0, SIGCHLD};
    long pid = syscall(SYS_clone3, arguments, sizeof arguments);
    if (pid == 0) _exit(0);
    if (pid < 0) return -errno;
    waitpid((pid_t)pid, NULL, 0);
    return 0;
}

static int fork_once(const cprobe_targets *t) {
    (void)t;
    long pid = child();
    if (pid == 0) _exit(0);
    if (pid < 0) return -errno;
    waitpid((pid_t)pid, NULL, 0);
    return 0;
}

// A small bomb: processes that stay until all are there.
static int fork_often(const cprobe_targets *t) {
    (void)t;
    enum { COUNT = 32 };
    long pids[COUNT];
    int count = 0, error = 0;
    while (count < COUNT) {
        long pid = child();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            alarm(5);
            for (;;) pause();
        }
        if (pid < 0) {
            error = errno;
            break;
        }
        pids[count++] = pid;
    }
    for (int i = 0; i < count; i++) {
        kill((pid_t)pids[i], SIGKILL);
        waitpid((pid_t)pids[i], NULL, 0);
    }
    return count == COUNT ? 0 : -error;
}

static int block_listener(const cprobe_targets *t) { return outcome(fcntl(t->listener, F_SETFL, 0)); }
static int own_descriptor(const cprobe_targets *t) { return outcome(fcntl(t->listener, F_SETOWN, t->victim)); }

const attack sibling_attacks[] = {
    {"ptrace", NULL, seize},
    {"process-vm-readv", NULL, read_memory},
    {"pidfd-open", NULL, open_pidfd},
    {"pidfd-getfd", open_pidfd, take_descriptor},
    {"pidfd-signal", open_pidfd, signal_pidfd},
    {"kill", NULL, signal_process},
    {"tgkill", NULL, signal_thread},
    {"prlimit", NULL, limit},
    {"affinity", note_processors, pin},
    {"exec", NULL, run_program},
    {"exec-shell", NULL, run_shell},
    {"fork", NULL, fork_once},
    {"clone-user", NULL, fork_apart},
    {"clone3-user", NULL, fork_apart_unseen},
    {"fork-bomb", NULL, fork_often},
    {"block-listener", NULL, block_listener},
    {"setown", NULL, own_descriptor},
    {NULL, NULL, NULL},
};
