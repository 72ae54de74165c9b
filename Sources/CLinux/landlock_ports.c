#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// Later than the headers of some distributions.
#define RULE_NET_PORT 2
#define ACCESS_NET_BIND (1ULL << 0)
#define ACCESS_NET_CONNECT (1ULL << 1)

int cl_landlock_allow_port(int ruleset, uint16_t port, int bind, int connect) {
    struct {
        uint64_t allowed;
        uint64_t port;
    } rule = {(bind ? ACCESS_NET_BIND : 0) | (connect ? ACCESS_NET_CONNECT : 0), port};
    long result = syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0);
    return result < 0 ? -errno : 0;
}
