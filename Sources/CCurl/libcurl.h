// libcurl's interface. With the development package installed it is the real header. Without it, these declarations:
// the part that curl.c uses. libcurl promises to keep names and numbers (its ABI is unchanged since 2006), and
// cc_wrong_option asks the library itself whether the option numbers are right.
#ifndef CCURL_LIBCURL_H
#define CCURL_LIBCURL_H

#if __has_include(<curl/curl.h>)
#include <curl/curl.h>
#else

#include <stddef.h>
#include <stdint.h>

typedef void CURL;
typedef void CURLM;
typedef int CURLcode;
typedef int CURLMcode;
typedef int curl_socket_t;
typedef int64_t curl_off_t;
typedef int CURLoption;
typedef int curlsocktype;

struct curl_slist {
    char *data;
    struct curl_slist *next;
};
struct curl_blob {
    void *data;
    size_t len;
    unsigned int flags;
};
struct curl_waitfd {
    curl_socket_t fd;
    short events;
    short revents;
};
struct curl_easyoption {
    const char *name;
    CURLoption id;
    int type;
    unsigned int flags;
};
typedef struct {
    int msg;
    CURL *easy_handle;
    union {
        void *whatever;
        CURLcode result;
    } data;
} CURLMsg;

enum {
    CURL_GLOBAL_DEFAULT = 3,
    CURL_ERROR_SIZE = 256,
    CURL_BLOB_COPY = 1,
    CURL_WAIT_POLLIN = 1,
    CURL_SSLVERSION_TLSv1_2 = 6,
    CURL_HTTP_VERSION_1_1 = 2,
    CURL_NETRC_IGNORED = 0,
    CURL_SOCKOPT_OK = 0,
    CURL_SOCKOPT_ERROR = 1,
    CURLMSG_DONE = 1,
};
enum {
    CURLE_OK = 0,
    CURLE_COULDNT_RESOLVE_HOST = 6,
    CURLE_COULDNT_CONNECT = 7,
    CURLE_PARTIAL_FILE = 18,
    CURLE_WRITE_ERROR = 23,
    CURLE_OPERATION_TIMEDOUT = 28,
    CURLE_SSL_CONNECT_ERROR = 35,
    CURLE_GOT_NOTHING = 52,
    CURLE_SEND_ERROR = 55,
    CURLE_RECV_ERROR = 56,
    CURLE_PEER_FAILED_VERIFICATION = 60,
    CURLE_SSL_CACERT_BADFILE = 77,
};
enum {
    CURLOPT_WRITEDATA = 10001,
    CURLOPT_URL = 10002,
    CURLOPT_PROXY = 10004,
    CURLOPT_ERRORBUFFER = 10010,
    CURLOPT_USERAGENT = 10018,
    CURLOPT_HTTPHEADER = 10023,
    CURLOPT_HEADERDATA = 10029,
    CURLOPT_SSLVERSION = 32,
    CURLOPT_NETRC = 51,
    CURLOPT_FOLLOWLOCATION = 52,
    CURLOPT_SSL_VERIFYPEER = 64,
    CURLOPT_SSL_VERIFYHOST = 81,
    CURLOPT_HTTP_VERSION = 84,
    CURLOPT_BUFFERSIZE = 98,
    CURLOPT_NOSIGNAL = 99,
    CURLOPT_CAPATH = 10097,
    CURLOPT_PRIVATE = 10103,
    CURLOPT_CONNECTTIMEOUT_MS = 156,
    CURLOPT_PATH_AS_IS = 234,
    CURLOPT_PROTOCOLS_STR = 10318,
    CURLOPT_REDIR_PROTOCOLS_STR = 10319,
    CURLOPT_WRITEFUNCTION = 20011,
    CURLOPT_HEADERFUNCTION = 20079,
    CURLOPT_SOCKOPTFUNCTION = 20148,
    CURLOPT_CAINFO_BLOB = 40309,
};
enum {
    CURLINFO_PRIVATE = 0x100000 + 21,
    CURLINFO_RESPONSE_CODE = 0x200000 + 2,
    CURLINFO_RETRY_AFTER = 0x600000 + 57,
};
enum { CURLMOPT_MAXCONNECTS = 6 };

CURLcode curl_global_init(long flags);
char *curl_version(void);
CURL *curl_easy_init(void);
CURLcode curl_easy_setopt(CURL *, CURLoption, ...);
CURLcode curl_easy_getinfo(CURL *, int, ...);
const char *curl_easy_strerror(CURLcode);
const struct curl_easyoption *curl_easy_option_by_name(const char *);
void curl_easy_cleanup(CURL *);
CURLM *curl_multi_init(void);
CURLMcode curl_multi_setopt(CURLM *, int, ...);
CURLMcode curl_multi_add_handle(CURLM *, CURL *);
CURLMcode curl_multi_remove_handle(CURLM *, CURL *);
CURLMcode curl_multi_perform(CURLM *, int *running);
CURLMcode curl_multi_poll(CURLM *, struct curl_waitfd *, unsigned int, int timeout, int *ready);
CURLMsg *curl_multi_info_read(CURLM *, int *left);

#endif
#endif
