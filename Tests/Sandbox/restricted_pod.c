// Runs a command as a restricted pod would: user 65532, no groups, no capabilities, no_new_privs, a root that can't be
// written (all but /tmp and /dev/shm), and a filter that denies what the container runtimes' default profile denies.
// Needs root. Compiled by the tests: `cc restricted_pod.c -o pod && SIDECAR_LAUNCHER=$PWD/pod pytest Tests/Scenarios`.
//   restricted_pod [--root DIRECTORY] COMMAND [ARGUMENT...]
// With --root the command sees an unpacked image as its root, with /tmp, /proc and /dev/null as a runtime adds them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USER = 65532 };

static void must(long result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "restricted_pod: %s: %m\n", what);
        exit(2);
    }
}

// What a runtime mounts into an image: it has these as empty directories.
static void enter(const char *image) {
    must(mount(image, image, NULL, MS_BIND, NULL), "bind the image");
    must(chdir(image), "chdir");
    must(mount("proc", "proc", "proc", 0, NULL), "mount proc");
    must(mount("/tmp", "tmp", NULL, MS_BIND, NULL), "bind /tmp");
    must(mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL), "bind /dev");
    must(chroot("."), "chroot");
}

static void read_only_root(const char *image) {
    must(unshare(CLONE_NEWNS), "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private");
    if (image != NULL) enter(image);
    struct mount_attr off = {.attr_clr = MOUNT_ATTR_RDONLY}, on = {.attr_set = MOUNT_ATTR_RDONLY};
    must(mount("/tmp", "/tmp", NULL, MS_BIND, NULL), "bind /tmp");
    must(syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &on, sizeof on), "read-only root");
    // What a pod mounts as an emptyDir.
    const char *writable[] = {"/tmp", "/dev/shm"};
    for (size_t i = 0; i < sizeof writable / sizeof *writable; i++)
        syscall(SYS_mount_setattr, AT_FDCWD, writable[i], 0, &off, sizeof off);
}

static void give_up_rights(void) {
    for (int c = 0; c <= 63; c++) prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    must(syscall(SYS_setgroups, 0, NULL), "setgroups");
    must(syscall(SYS_setresgid, USER, USER, USER), "setresgid");
    must(syscall(SYS_setresuid, USER, USER, USER), "setresuid");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    must(syscall(SYS_capset, &header, none), "capset");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

// What moby's default profile denies to a container without capabilities on a recent kernel.
static const int denied[] = {
    SYS_acct, SYS_add_key, SYS_bpf, SYS_chroot, SYS_clock_adjtime, SYS_clock_settime, SYS_delete_module,
    SYS_fanotify_init, SYS_finit_module, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_get_mempolicy,
    SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_kcmp, SYS_kexec_file_load,
    SYS_kexec_load, SYS_keyctl, SYS_lookup_dcookie, SYS_mbind, SYS_mount, SYS_mount_setattr, SYS_move_mount,
    SYS_move_pages, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_pidfd_getfd, SYS_pivot_root,
    SYS_process_madvise, SYS_quotactl, SYS_reboot, SYS_request_key, SYS_set_mempolicy, SYS_setns, SYS_settimeofday,
    SYS_swapoff, SYS_swapon, SYS_syslog, SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_vhangup,
#ifdef SYS_iopl
    SYS_ioperm, SYS_iopl, SYS_sysfs, SYS_uselib, SYS_ustat,
#endif
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))

static void default_profile(void) {
    enum { COUNT = sizeof denied / sizeof *denied };
    static struct sock_filter program[2 * COUNT + 64];
    unsigned n = 0;
    program[n++] = (struct sock_filter)LOAD(nr);
    // clone3 hides its flags in memory: it isn't there. clone may make no namespaces.
    program[n++] = (struct sock_filter)IF(SYS_clone3, 0, 1);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | ENOSYS);
    program[n++] = (struct sock_filter)IF(SYS_clone, 0, 4);
    program[n++] = (struct sock_filter)LOAD(args[0]);
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7E020000, 0, 1);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | EPERM);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    // No vsock.
    program[n++] = (struct sock_filter)IF(SYS_socket, 0, 4);
    program[n++] = (struct sock_filter)LOAD(args[0]);
    program[n++] = (struct sock_filter)IF(40, 0, 1);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | EPERM);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    // personality: Linux, and asking.
    program[n++] = (struct sock_filter)IF(SYS_personality, 0, 5);
    program[n++] = (struct sock_filter)LOAD(args[0]);
    program[n++] = (struct sock_filter)IF(0, 1, 0);
    program[n++] = (struct sock_filter)IF(0xFFFFFFFFu, 0, 1);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | EPERM);
    for (unsigned i = 0; i < COUNT; i++) {
        program[n++] = (struct sock_filter)IF((unsigned)denied[i], 0, 1);
        program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | EPERM);
    }
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {(unsigned short)n, program};
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
}

int main(int argc, char **argv) {
    const char *image = NULL;
    if (argc > 2 && strcmp(argv[1], "--root") == 0) {
        image = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc < 2) return 2;
    read_only_root(image);
    give_up_rights();
    default_profile();
    execv(argv[1], argv + 1);
    must(-1, argv[1]);
}
