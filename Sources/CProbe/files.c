// Files, and memory that could become code.
#include "attacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static int read_path(const char *path) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return -errno;
    char bytes[16];
    int result = outcome(read(fd, bytes, sizeof bytes));
    close(fd);
    return result;
}

static int read_token(const cprobe_targets *t) { return read_path(t->token); }
static int read_passwd(const cprobe_targets *t) {
    (void)t;
    return read_path("/etc/passwd");
}

static int read_proc(const cprobe_targets *t, const char *what) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", t->victim, what);
    return read_path(path);
}
static int read_environ(const cprobe_targets *t) { return read_proc(t, "environ"); }
static int read_maps(const cprobe_targets *t) { return read_proc(t, "maps"); }
static int read_cmdline(const cprobe_targets *t) { return read_proc(t, "cmdline"); }
// Its first page isn't mapped, so what counts is opening it.
static int read_mem(const cprobe_targets *t) {
    int result = read_proc(t, "mem");
    return result == -EIO ? 0 : result;
}
static int read_fd(const cprobe_targets *t) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", t->victim);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return -errno;
    char entries[512];
    int result = outcome(syscall(SYS_getdents64, fd, entries, sizeof entries));
    close(fd);
    return result;
}

static int create_file(const cprobe_targets *t) {
    char path[512];
    snprintf(path, sizeof path, "%s/written-%d", t->folder, (int)getpid());
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return -errno;
    close(fd);
    unlink(path);
    return 0;
}

static int make_memfd(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_memfd_create, "probe", MFD_CLOEXEC));
}

static int map_page(const cprobe_targets *t) {
    (void)t;
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -errno : 0;
}
static int map_code(const cprobe_targets *t) {
    (void)t;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? -errno : 0;
}
static int protect_code(const cprobe_targets *t) {
    (void)t;
    return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int protect_code_with_key(const cprobe_targets *t) {
    (void)t;
    return outcome(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1));
}

const attack file_attacks[] = {
    {"read-token", NULL, read_token},
    {"read-passwd", NULL, read_passwd},
    {"proc-environ", NULL, read_environ},
    {"proc-mem", NULL, read_mem},
    {"proc-fd", NULL, read_fd},
    {"proc-maps", NULL, read_maps},
    {"proc-cmdline", NULL, read_cmdline},
    {"create-file", NULL, create_file},
    {"memfd", NULL, make_memfd},
    {"mmap-exec", NULL, map_code},
    {"mprotect-exec", map_page, protect_code},
    {"pkey-mprotect-exec", map_page, protect_code_with_key},
    {NULL, NULL, NULL},
};
