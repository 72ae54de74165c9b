#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// As the kernel has it. libc's fstat may be newfstatat, whose path no filter sees: a right to it is one to ask about every
// path of the host, which Landlock doesn't deny.
static int size_of(int fd, int64_t *size) {
    struct stat s;
    if (syscall(SYS_fstat, fd, &s) < 0) return -errno;
    *size = s.st_size;
    return 0;
}

// The name of an open file in /proc: opening it makes another description of the same file, with rights of its own.
int cl_reopen_readable(int fd) {
    char path[32] = "/proc/self/fd/";
    char digits[12];
    int n = 0, at = sizeof "/proc/self/fd/" - 1;
    if (fd < 0) return -EBADF;
    do digits[n++] = (char)('0' + fd % 10);
    while ((fd /= 10) > 0);
    while (n > 0) path[at++] = digits[--n];
    path[at] = 0;
    int copy = open(path, O_RDONLY | O_CLOEXEC);
    return copy < 0 ? -errno : copy;
}

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int cl_segment_create(const char *name, size_t size) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        int e = errno;
        close(fd);
        return -e;
    }
    return fd;
}

int64_t cl_segment_size(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) return -errno;
    if ((seals & SEALS) != SEALS) return -EPERM;
    int64_t size;
    int failed = size_of(fd, &size);
    return failed ? failed : size;
}

int cl_sealed_create(const char *name, const void *bytes, size_t size) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) goto failed;
        done += (size_t)n;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_WRITE) == 0) return fd;
failed:;
    int e = errno ? errno : ENOSPC;
    close(fd);
    return -e;
}

int64_t cl_sealed_size(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) return -errno;
    if ((seals & (SEALS | F_SEAL_WRITE)) != (SEALS | F_SEAL_WRITE)) return -EPERM;
    int64_t size;
    int failed = size_of(fd, &size);
    return failed ? failed : size;
}

void *cl_map(int fd, size_t size, int writable) {
    void *p = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

void cl_unmap(void *base, size_t size) { munmap(base, size); }

static int release_code(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &program->dlpi_phdr[i];
        // Code only: it is never written, so nothing is lost.
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || (part->p_flags & PF_W)) continue;
        uintptr_t start = (program->dlpi_addr + part->p_vaddr) & ~(page - 1);
        uintptr_t end = program->dlpi_addr + part->p_vaddr + part->p_memsz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1;  // the program itself comes first, and libraries are shared with everybody
}

void cl_release_code(void) { dl_iterate_phdr(release_code, NULL); }

int cl_cpu_affinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

int cl_random(void *out, size_t count) { return getrandom(out, count, 0) == (ssize_t)count ? 0 : -errno; }
