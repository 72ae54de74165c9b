// Where the targets of `routing-sidecar audit --probe` stand. No attack is in here: the supervisor's program links it.
#ifndef CARENA_H
#define CARENA_H

// A network namespace of our own in which every IPv4 address is this host's. 0 or a negative errno; after an error beyond
// the first step this process has no network at all.
int carena_own_network(void);
// A local socket that listens under an abstract name. A descriptor or a negative errno.
int carena_listen_abstract(const char *name);

#endif
