#include <curl/curl.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

// curl_easy_setopt is variadic, which Swift cannot call.
static inline CURLcode obs_curl_set_long(CURL *curl, CURLoption option, long value) { return curl_easy_setopt(curl, option, value); }
static inline CURLcode obs_curl_set_text(CURL *curl, CURLoption option, const char *value) { return curl_easy_setopt(curl, option, value); }
static inline CURLcode obs_curl_set_pointer(CURL *curl, CURLoption option, void *value) { return curl_easy_setopt(curl, option, value); }
static inline CURLcode obs_curl_set_write(CURL *curl, size_t (*callback)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, callback);
}
static inline CURLcode obs_curl_get_text(CURL *curl, CURLINFO info, const char **value) { return curl_easy_getinfo(curl, info, value); }
static inline CURLcode obs_curl_get_long(CURL *curl, CURLINFO info, long *value) { return curl_easy_getinfo(curl, info, value); }

// Memory that a transfer reads from or writes to, up to its capacity. Its owner keeps it until the transfer is over.
typedef struct {
    char *bytes;
    size_t used;
    size_t capacity;
} obs_curl_buffer;

// Keeps what fits and drops the rest: a receiver may answer without end.
static inline size_t obs_curl_write(char *bytes, size_t size, size_t count, void *context) {
    obs_curl_buffer *buffer = (obs_curl_buffer *)context;
    size_t length = size * count, room = buffer->capacity - buffer->used, kept = length < room ? length : room;
    memcpy(buffer->bytes + buffer->used, bytes, kept);
    buffer->used += kept;
    return length;
}

static inline size_t obs_curl_read(char *bytes, size_t size, size_t count, void *context) {
    obs_curl_buffer *buffer = (obs_curl_buffer *)context;
    size_t room = size * count, left = buffer->capacity - buffer->used, given = left < room ? left : room;
    memcpy(bytes, buffer->bytes + buffer->used, given);
    buffer->used += given;
    return given;
}

static inline void obs_curl_receive_into(CURL *curl, obs_curl_buffer *buffer) {
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, obs_curl_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, buffer);
}

static inline void obs_curl_send_from(CURL *curl, obs_curl_buffer *buffer) {
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, obs_curl_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, buffer);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)buffer->capacity);
}

// A mail goes to those whom the server takes, also when it refuses others. Newer headers spell it with two L and keep this name as a macro, which Swift does
// not see.
static inline CURLcode obs_curl_allow_refused_recipients(CURL *curl) { return curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); }

// Keeps what a mail server was asked of recipients and all that it answered: lines that begin with > or <. Of other commands only the > is kept: log-ins are
// nobody's business.
static inline int obs_curl_listen(CURL *curl, curl_infotype type, char *bytes, size_t size, void *context) {
    obs_curl_buffer *buffer = (obs_curl_buffer *)context;
    (void)curl;
    int is_command = type == CURLINFO_HEADER_OUT;
    if (!is_command && type != CURLINFO_HEADER_IN) return 0;
    size_t kept = is_command && (size < 5 || memcmp(bytes, "RCPT ", 5) != 0) ? 0 : size;
    // A line is kept whole or not at all.
    if (buffer->capacity - buffer->used < kept + 2) return 0;
    buffer->bytes[buffer->used++] = is_command ? '>' : '<';
    memcpy(buffer->bytes + buffer->used, bytes, kept);
    buffer->used += kept;
    buffer->bytes[buffer->used++] = '\n';
    return 0;
}

static inline void obs_curl_listen_into(CURL *curl, obs_curl_buffer *buffer) {
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, obs_curl_listen);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, buffer);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
}

// Asks before a connection is made whether its address may be connected to: 1 for yes. The address is a text of digits.
typedef int (*obs_curl_permission)(void *context, const char *address);

typedef struct {
    obs_curl_permission permits;
    void *context;
} obs_curl_gate;

static inline curl_socket_t obs_curl_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    obs_curl_gate *gate = (obs_curl_gate *)context;
    char text[INET6_ADDRSTRLEN];
    const void *bytes = address->family == AF_INET    ? (const void *)&((struct sockaddr_in *)&address->addr)->sin_addr
                        : address->family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)&address->addr)->sin6_addr
                                                      : NULL;
    (void)purpose;
    if (bytes == NULL || inet_ntop(address->family, bytes, text, sizeof text) == NULL) return CURL_SOCKET_BAD;
    if (!gate->permits(gate->context, text)) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// `gate` is kept by its owner until the transfer is over.
static inline void obs_curl_open_sockets_through(CURL *curl, obs_curl_gate *gate) {
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, obs_curl_open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, gate);
}
