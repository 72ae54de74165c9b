// UCX for the KV agent, and for nobody else: an agent with one listener, endpoints by number, small frames, and reads of a
// peer's region. UCX calls back in the middle of its work; here every callback only notes an event, and the agent takes
// the events one by one when it is ready for them. Nothing here decides anything but what is too much.
//
// Functions that can fail return a negative ucs_status_t (see cu_status_text), 0 when all is well.
#ifndef CUCX_H
#define CUCX_H

#include <stddef.h>
#include <stdint.h>

// A frame is a whole message of a peer; longer ones are never taken.
#define CU_FRAME_LIMIT 512
// Endpoints at once, those that others opened to us and those that are being let go of included. A peer's number has 8 bits
// for it.
#define CU_PEERS 256
// A packed remote key.
#define CU_KEY_LIMIT 128

// See cu_connect.
#define CU_FULL (-21)

typedef struct cu_agent cu_agent;

typedef struct {
    uint8_t address[16];  // to listen on; IPv4 mapped (::ffff:a.b.c.d)
    uint16_t port;
    void *region;  // mapped and of this size for as long as the agent lives
    size_t size;
} cu_options;

typedef enum {
    CU_NOTHING = 0,
    CU_ARRIVED = 1,  // somebody connects; answered by cu_accept or cu_close
    CU_FRAME = 2,    // a peer's message
    CU_GOT = 3,      // a read has ended, well or not; every read that was begun ends once
    CU_LOST = 4,     // a peer is gone, or did what it must not; to be closed
    CU_GONE = 5,     // a closed peer's last operation has ended; its number is nobody's any more
} cu_kind;

typedef struct {
    uint32_t kind;
    uint32_t peer;
    uint32_t token;        // CU_GOT: the read's
    int32_t status;        // CU_GOT, CU_LOST
    uint8_t address[16];   // CU_ARRIVED: the peer's
    uint16_t port;         // CU_ARRIVED
    uint16_t length;       // CU_FRAME
    uint8_t frame[CU_FRAME_LIMIT];
} cu_event;

// UCX was found to be what it must be: the variables that its libraries read before main are as the supervisor sets them.
// NULL: yes; otherwise the one that is missing or different.
const char *cu_environment_fault(void);

// Opens everything, and transfers a few bytes from itself to itself, so that UCX has looked up by then whatever it looks up
// once: behind the walls it can open nothing any more.
int cu_open(const cu_options *options, cu_agent **out);
// The descriptor that tells when there is work, for epoll.
int cu_descriptor(cu_agent *agent);
// Does what there is to do, bounded. 1 = there is more.
int cu_progress(cu_agent *agent);
// How long to wait for the descriptor at most, in milliseconds; -1 = as long as one likes. An endpoint is let go of in
// steps of which the descriptor tells nothing.
int cu_patience(cu_agent *agent);
// 1 = the descriptor tells from now on; 0 = there is work already, or an event that nobody has taken.
int cu_arm(cu_agent *agent);
// The next event. 1 = there was one.
int cu_next(cu_agent *agent, cu_event *out);

// The packed key of our region, which peers of the same build have too; its length.
int cu_key(cu_agent *agent, uint8_t out[CU_KEY_LIMIT]);

// Starts to connect. The peer's number, or a negative status; CU_FULL: there are as many endpoints as there may be.
int64_t cu_connect(cu_agent *agent, const uint8_t address[16], uint16_t port);
int cu_accept(cu_agent *agent, uint32_t peer);
int cu_send(cu_agent *agent, uint32_t peer, const uint8_t *frame, size_t length);
// Makes the peer's region readable with a key that is ours byte for byte: no other key is ever parsed.
int cu_trust(cu_agent *agent, uint32_t peer);
// Reads from a peer's memory into our region. Ends with CU_GOT.
int cu_get(cu_agent *agent, uint32_t peer, uint64_t remote, size_t local, size_t length, uint32_t token);
// Ends a peer at once, with all that runs on it; CU_GONE follows.
void cu_close(cu_agent *agent, uint32_t peer);

const char *cu_status_text(int status);

// CRC-32C (Castagnoli), by the processor where it can. `crc` is the checksum of what came before, 0 at the start.
uint32_t cu_crc32c(uint32_t crc, const void *bytes, size_t count);
// The same without the processor's help.
uint32_t cu_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
