#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <stddef.h>

// UCX asks for the host's interfaces with every connection, and libc answers by a netlink socket, which would have to be
// bound and written to with an address. A process that may do that may listen. This takes the place of libc's function in
// the agent's program: it asks once, before the walls are up, and gives the same answer from then on. A pod's addresses
// don't change while it lives.
static struct ifaddrs *known;

__attribute__((visibility("default"))) int getifaddrs(struct ifaddrs **out) {
    if (!known) {
        int (*original)(struct ifaddrs **) = (int (*)(struct ifaddrs **))dlsym(RTLD_NEXT, "getifaddrs");
        if (!original) return -1;
        int result = original(&known);
        if (result != 0) {
            known = NULL;
            return result;
        }
    }
    *out = known;
    return 0;
}

__attribute__((visibility("default"))) void freeifaddrs(struct ifaddrs *list) {
    // Kept for the next one who asks.
    (void)list;
}
