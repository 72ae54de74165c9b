#include "attacks.h"

#include <string.h>

int held = -1;
void *page;

static const attack *find(const char *name) {
    const attack *lists[] = {file_attacks, sibling_attacks, network_attacks, kernel_attacks};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const attack *a = lists[i]; a->name; a++)
            if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

int cprobe_prepare(const char *name, const cprobe_targets *targets) {
    const attack *a = find(name);
    if (!a) return -EINVAL;
    return a->prepare ? a->prepare(targets) : 0;
}

int cprobe_attack(const char *name, const cprobe_targets *targets) {
    const attack *a = find(name);
    return a ? a->run(targets) : -EINVAL;
}
