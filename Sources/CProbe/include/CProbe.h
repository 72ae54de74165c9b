// The attacks of `routing-sidecar audit --probe`, each a system call or a few as an attacker would make them. Every one
// is harmless when it succeeds: what it touches belongs to the probe.
#ifndef CPROBE_H
#define CPROBE_H

// What an attack aims at. All of it belongs to the probe: a sibling that is there to be attacked, listeners on loopback or
// in a network namespace of the probe's own, a file of its own that stands for the token.
typedef struct {
    int victim;            // process id of the sibling
    int listener;          // a descriptor: the shared listening socket
    const char *token;     // a path
    const char *folder;    // a path where anybody may create files
    const char *program;   // this program
    const char *abstract;  // a local socket's abstract name, without its zero
    const char *api;       // IPv4 address:port
    const char *metadata;  // the same
    const char *outside;   // the same
} cprobe_targets;

// Opens what the attack needs and a process could hold before its walls close. 0 or a negative errno.
int cprobe_prepare(const char *attack, const cprobe_targets *targets);
// Attacks. 0 = it went through, else a negative errno. -EINVAL for a name that there isn't.
int cprobe_attack(const char *attack, const cprobe_targets *targets);

#endif
