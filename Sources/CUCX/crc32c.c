#include "CUCX.h"

#include <string.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// The polynomial of RFC 3720, reflected.
#define POLYNOMIAL 0x82F63B78u

static uint32_t table[256];

__attribute__((constructor)) static void fill(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
        table[i] = value;
    }
}

uint32_t cu_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < count; i++) crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_processor(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    uint64_t value = (uint32_t)~crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        value = __builtin_ia32_crc32di(value, word);
    }
    for (; count > 0; p++, count--) value = __builtin_ia32_crc32qi((uint32_t)value, *p);
    return ~(uint32_t)value;
}

static int is_hardware(void) { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__)

__attribute__((target("crc"))) static uint32_t by_processor(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __builtin_arm_crc32cd(crc, word);
    }
    for (; count > 0; p++, count--) crc = __builtin_arm_crc32cb(crc, *p);
    return ~crc;
}

static int is_hardware(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

#else

static uint32_t by_processor(uint32_t crc, const void *bytes, size_t count) { return cu_crc32c_portable(crc, bytes, count); }
static int is_hardware(void) { return 0; }

#endif

uint32_t cu_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return is_hardware() ? by_processor(crc, bytes, count) : cu_crc32c_portable(crc, bytes, count);
}
