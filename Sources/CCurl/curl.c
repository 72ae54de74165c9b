#define _GNU_SOURCE
#include "CCurl.h"

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <curl/curl.h>

struct cc_loop {
    CURLM *multi;
};

struct cc_transfer {
    CURL *easy;
    cc_receiver receiver;
    // The header line with the token stands in memory of ours, so that it can be overwritten.
    struct curl_slist authorization;
    struct curl_slist accept;
    size_t line_count;
    char text[CURL_ERROR_SIZE];
};

cc_loop *cc_loop_create(void) {
    // Certificates have dates: without a time zone of our own, libc would open the host's (/etc/localtime) with the first
    // one, behind the walls.
    if (setenv("TZ", "UTC0", 1) != 0) return NULL;
    tzset();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return NULL;
    cc_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) return NULL;
    // Two watches and a list; more idle connections are of no use.
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, 3L);
    return loop;
}

const char *cc_version(void) { return curl_version(); }

// ---- Callbacks -----------------------------------------------------------------------------------------

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    cc_transfer *transfer = context;
    return transfer->receiver.body(transfer->receiver.context, bytes, size * count) ? size * count : 0;
}

static size_t on_head(char *bytes, size_t size, size_t count, void *context) {
    cc_transfer *transfer = context;
    size_t all = size * count;
    // The empty line behind the fields. Interim answers have one too.
    if (all <= 2 && (all == 0 || bytes[0] == '\r' || bytes[0] == '\n')) {
        long status = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200) transfer->receiver.head(transfer->receiver.context, (int)status);
    }
    return all;
}

// A peer that is gone is noticed in 20 s whether bytes are under way (user timeout) or not (keepalive).
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
    (void)context;
    (void)purpose;
    int on = 1, idle = 10, interval = 5, probes = 2;
    unsigned int patience = 20000;
    int failed = setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) |
                 setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) |
                 setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) |
                 setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes) |
                 setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
    return failed ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

// ---- Transfers -----------------------------------------------------------------------------------------

// Everything libcurl is told. What it could read besides (proxy variables, .netrc, cookies, certificate directories) is
// switched off; HSTS, Alt-Svc and cookies are off unless they are asked for.
static int configure(cc_transfer *transfer, const cc_request *request) {
    CURL *easy = transfer->easy;
    struct curl_blob authority = {(void *)request->authority, request->authority_count, CURL_BLOB_COPY};
    int failed = 0;
#define SET(option, value) failed |= curl_easy_setopt(easy, option, value) != CURLE_OK
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTPHEADER, &transfer->accept);
    SET(CURLOPT_USERAGENT, "routing-sidecar");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_milliseconds);
    SET(CURLOPT_BUFFERSIZE, 65536L);
    // The server's certificate: against these certificates alone, and for the very address in the URL.
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_CAINFO_BLOB, &authority);
    SET(CURLOPT_ERRORBUFFER, transfer->text);
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
#undef SET
    return !failed;
}

cc_transfer *cc_begin(cc_loop *loop, const cc_request *request) {
    static const char scheme[] = "Authorization: Bearer ";
    cc_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    transfer->receiver = request->receiver;
    transfer->line_count = sizeof scheme + request->token_count;
    transfer->authorization.data = calloc(1, transfer->line_count);
    transfer->accept.data = "Accept: application/json";
    transfer->accept.next = &transfer->authorization;
    transfer->easy = curl_easy_init();
    if (transfer->authorization.data != NULL && transfer->easy != NULL) {
        memcpy(transfer->authorization.data, scheme, sizeof scheme - 1);
        memcpy(transfer->authorization.data + sizeof scheme - 1, request->token, request->token_count);
        if (configure(transfer, request) && curl_multi_add_handle(loop->multi, transfer->easy) == 0) return transfer;
    }
    cc_end(loop, transfer);
    return NULL;
}

void cc_end(cc_loop *loop, cc_transfer *transfer) {
    if (transfer->easy != NULL) {
        curl_multi_remove_handle(loop->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    if (transfer->authorization.data != NULL) cc_wipe(transfer->authorization.data, transfer->line_count);
    free(transfer->authorization.data);
    free(transfer);
}

void cc_perform(cc_loop *loop) {
    int running = 0;
    curl_multi_perform(loop->multi, &running);
}

static cc_outcome outcome_of(CURLcode code) {
    switch (code) {
        case CURLE_OK: return CC_DONE;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_PARTIAL_FILE:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR: return CC_CONNECTION;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE: return CC_UNTRUSTED;
        case CURLE_WRITE_ERROR: return CC_REFUSED;
        default: return CC_OTHER;
    }
}

int cc_next_ended(cc_loop *loop, cc_ended *out) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        curl_off_t retry = 0;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RETRY_AFTER, &retry);
        out->transfer = (cc_transfer *)(void *)private;
        out->outcome = outcome_of(code);
        out->retry_after = retry;
        out->text = out->transfer->text[0] ? out->transfer->text : curl_easy_strerror(code);
        return 1;
    }
    return 0;
}

int cc_wait(cc_loop *loop, int fd, int milliseconds) {
    struct curl_waitfd extra = {fd, CURL_WAIT_POLLIN, 0};
    int ready = 0;
    curl_multi_poll(loop->multi, &extra, 1, milliseconds, &ready);
    return extra.revents != 0;
}

void cc_wipe(void *bytes, size_t count) { explicit_bzero(bytes, count); }

void cc_trim(void) { malloc_trim(0); }
