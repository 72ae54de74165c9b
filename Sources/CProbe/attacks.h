#ifndef CPROBE_ATTACKS_H
#define CPROBE_ATTACKS_H

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "CProbe.h"

typedef int (*step)(const cprobe_targets *);
typedef struct {
    const char *name;
    step prepare;  // NULL = nothing to prepare
    step run;
} attack;

// Each list ends with a NULL name.
extern const attack file_attacks[], sibling_attacks[], network_attacks[], kernel_attacks[];

// What was prepared: a descriptor, or memory.
extern int held;
extern void *page;

static inline int outcome(long result) { return result < 0 ? -errno : 0; }

#endif
