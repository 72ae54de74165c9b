// The kernel interface that Swift cannot reach by itself: variadic calls, macros, ancillary data, packed
// structures, and the code that runs between fork and exec. Nothing here decides anything.
//
// Every function that can fail returns a negative errno, so that no caller depends on the thread's errno.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

// ---- Event polling -------------------------------------------------------------------------------------

#define CL_IN 0x001u
#define CL_OUT 0x004u
#define CL_ERR 0x008u
#define CL_HUP 0x010u
#define CL_RDHUP 0x2000u
#define CL_EDGE 0x80000000u
#define CL_EXCLUSIVE 0x10000000u

// A copy of struct epoll_event without its packing.
typedef struct {
    uint64_t data;
    uint32_t events;
    uint32_t reserved;
} cl_event;

int cl_epoll_create(void);
int cl_epoll_add(int ep, int fd, uint32_t events, uint64_t data);
int cl_epoll_modify(int ep, int fd, uint32_t events, uint64_t data);
int cl_epoll_remove(int ep, int fd);
// Waits; milliseconds -1 = for ever. Interrupted waits return 0.
int cl_epoll_wait(int ep, cl_event *out, int capacity, int milliseconds);

// ---- Signals and processes -----------------------------------------------------------------------------

// Blocks every signal that a process of ours handles through a descriptor, and ignores SIGPIPE.
void cl_block_signals(void);
int cl_signalfd(void);
int cl_sigrtmin(void);

typedef struct {
    int32_t signal;
    int32_t sender_pid;
    uint32_t sender_uid;
} cl_signal;
// 1 = one signal read, 0 = none pending.
int cl_signalfd_read(int fd, cl_signal *out);

typedef struct {
    int32_t pid;
    int32_t code;    // CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3
    int32_t status;  // exit code or signal
} cl_death;
// Reaps the child behind a pidfd. 1 = reaped, 0 = still alive.
int cl_wait_pidfd(int pidfd, cl_death *out);
// Looks at any dead child without reaping it. 1 = found, 0 = none.
int cl_peek_dead(cl_death *out);
// Reaps one child by process id. 1 = reaped, 0 = still alive.
int cl_wait_pid(int pid, cl_death *out);
int cl_pidfd_signal(int pidfd, int signal);
int cl_become_subreaper(void);
int cl_set_undumpable(void);
int cl_set_name(const char *name);
int cl_parent_is(int pid);
// An argument of this program, NULL beyond the last.
const char *cl_argument(int index);

// What to run and with what. fds[i] becomes descriptor i of the child; -1 = /dev/null.
typedef struct {
    const char *path;
    int executable;   // the program as a descriptor: its folder may be closed to the child's user; -1 = by path
    int landlock;     // a ruleset to live under, -1 = none
    uint32_t user;    // the user and group to become; 0 = stay
    char *const *argv;
    char *const *envp;
    const int *fds;
    int fd_count;
    uint64_t nofile;
} cl_spawn_plan;

typedef struct {
    int32_t pid;
    int32_t pidfd;
    int32_t gate;    // the child waits for a byte here before it goes on
    int32_t report;  // carries stage and errno of a failed exec, or closes
} cl_spawned;

// Forks a child that waits at its gate, so that it is registered before it starts. Call from the main thread
// only: the death signal that ties the child to us is bound to the thread that forked it.
int cl_spawn_begin(const cl_spawn_plan *plan, cl_spawned *out);
// Opens the gate and waits for exec. 0 = running; otherwise a negative errno and the stage that failed.
int cl_spawn_finish(cl_spawned *child, int *stage);

// ---- Sandbox -------------------------------------------------------------------------------------------

// The number of a system call on this architecture, -1 = it has none; and the other way, NULL = unknown.
int cl_syscall_number(const char *name);
const char *cl_syscall_name(int number);
int cl_syscall_count(void);
const char *cl_syscall_at(int index);

// One instruction of a seccomp filter.
typedef struct {
    uint16_t code;
    uint8_t jt;
    uint8_t jf;
    uint32_t k;
} cl_bpf;
uint32_t cl_audit_arch(void);
int cl_seccomp_available(void);
// Puts a filter on every thread of this process, for good.
int cl_seccomp_apply(const cl_bpf *program, size_t count);
// From here on a trapped call is reported as a frame of this version and type on `fd`; then the process dies.
int cl_report_violations(int fd, uint8_t version, uint8_t type);

// The Landlock ABI of this kernel, or a negative errno when there is none.
int cl_landlock_abi(void);
// An empty ruleset as a descriptor: nothing is allowed that this ABI can deny.
int cl_landlock_create(int abi, int deny_bind, int deny_connect);
// Allows reading (and executing) a file or what is below a directory.
int cl_landlock_allow(int ruleset, const char *path, int execute);
// Allows a TCP port to be bound or connected to; for ABI 4 and later.
int cl_landlock_allow_port(int ruleset, uint16_t port, int bind, int connect);

int cl_capabilities(uint64_t *effective);
// Keeps these capabilities and gives up all others, for good.
int cl_keep_capabilities(uint64_t wanted);

// ---- Shared memory -------------------------------------------------------------------------------------

// An anonymous file of `size` bytes that can no longer shrink, grow or lose its seals.
int cl_segment_create(const char *name, size_t size);
// The same file once more, for reading only: whoever gets this descriptor can't map it writable.
int cl_reopen_readable(int fd);
// The size of a segment when its seals and size are as they must be, else a negative errno.
int64_t cl_segment_size(int fd);
// An anonymous file with these bytes that nobody can change any more.
int cl_sealed_create(const char *name, const void *bytes, size_t size);
// The size of such a file when all its seals are there, else a negative errno.
int64_t cl_sealed_size(int fd);
void *cl_map(int fd, size_t size, int writable);
void cl_unmap(void *base, size_t size);
// Lets go of this program's code pages. Those that are still needed come back from the page cache as they are run.
void cl_release_code(void);

static inline uint64_t cl_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void cl_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
// For a word with one writer: cheaper than a locked add.
static inline void cl_bump(uint64_t *p, uint64_t n) {
    __atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
static inline uint64_t cl_load_acquire(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void cl_store_release(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline void cl_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
// For a word with several writers; returns the new value.
static inline int64_t cl_add(int64_t *p, int64_t n) { return __atomic_add_fetch(p, n, __ATOMIC_RELAXED); }

// ---- Descriptors and sockets ---------------------------------------------------------------------------

int cl_set_nonblocking(int fd);
int cl_set_cloexec(int fd);
int cl_pipe(int out[2]);          // non-blocking, close-on-exec
int cl_eventfd(void);
int cl_socketpair(int out[2]);    // SOCK_SEQPACKET, non-blocking, close-on-exec
// Sends one packet, with one descriptor when fd >= 0.
ssize_t cl_send_packet(int socket, const void *bytes, size_t count, int fd);

typedef struct {
    int32_t fds[4];
    int32_t fd_count;
    int32_t truncated;  // the packet or its descriptors did not fit
} cl_received;
// Receives one packet. 0 = the peer is gone.
ssize_t cl_recv_packet(int socket, void *bytes, size_t capacity, cl_received *out);

// Addresses are 16 bytes, IPv4 mapped (::ffff:a.b.c.d), port in host order.
int cl_listen_tcp(const uint8_t address[16], uint16_t port, int backlog, int dual_stack);
int cl_listening(int fd);  // 1 while the socket accepts connections
int cl_has_filter(int fd);  // 1 when a packet filter is on the socket, or none can be put on or taken off any more
int cl_is_as_lent(int fd);  // 1 while nothing is changed that who holds it may change, and that accepted sockets inherit
int cl_listen_unix(const char *path);
int cl_connect_unix(const char *path);
int cl_peer_uid(int socket, uint32_t *uid, int32_t *pid);
int cl_accept(int listener);
int cl_accept_client(int listener, uint8_t address[16]);  // tells where the client is (zeroes: no IP address)
// Starts a connection. 0 = established, -EINPROGRESS = not yet.
int cl_connect_tcp(const uint8_t address[16], uint16_t port, int *out);
int cl_socket_error(int fd);
int cl_set_nodelay(int fd);
int cl_local_address(int fd, uint8_t address[16], uint16_t *port);
// The addresses of this host's interfaces, 16 bytes each; returns how many.
int cl_own_addresses(uint8_t *out, int capacity);
// The name of the interface that has an address; if none has it and `or_loopback`, of the loopback interface.
int cl_interface_with(const uint8_t address[16], int or_loopback, char name[16]);

ssize_t cl_recv(int fd, void *bytes, size_t count);
ssize_t cl_peek(int fd, void *bytes, size_t count);
ssize_t cl_send(int fd, const void *bytes, size_t count);
ssize_t cl_sendv(int fd, const struct iovec *pieces, int count);
int cl_shutdown_write(int fd);
// Closing sends a reset, so that the peer learns at once that its bytes went nowhere.
int cl_reset_on_close(int fd);
// Writes without ever blocking: -EAGAIN when the reader is not keeping up.
ssize_t cl_write_ready(int fd, const void *bytes, size_t count);

// Tells of changes in folders: a descriptor that becomes readable. Adding a folder again changes nothing.
int cl_inotify_create(void);
int cl_inotify_add(int fd, const char *folder);
void cl_inotify_drain(int fd);

int cl_cpu_affinity(void);
int cl_random(void *out, size_t count);

#endif
