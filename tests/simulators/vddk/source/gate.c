#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "diagnosis.h"
#include "laboratory.h"
#include "logging.h"

enum { ANSWER_TIMEOUT_SECONDS = 300, MAXIMUM_LINE = 64 * 1024 };

struct gate {
    pthread_mutex_t lock;
    FILE *stream;
};

static bool parse_address(const char *text, struct sockaddr_in *address)
{
    char host[64];
    int port;

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    if (sscanf(text, "%63[^:]:%d", host, &port) != 2)
        return false;
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static int connect_to(const struct sockaddr_in *address)
{
    struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_SECONDS};
    int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(descriptor, (const struct sockaddr *)address, sizeof *address) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

VixError open_gate(struct gate **gate)
{
    struct laboratory laboratory = current_laboratory();
    struct sockaddr_in address;

    if (!parse_address(laboratory.gate, &address)) {
        say(LEVEL_ERROR, "VixDiskLib: no gate=ADDRESS:PORT in %s/lab.conf\n", library_folder());
        return VIX_E_CANNOT_CONNECT_TO_HOST;
    }
    int descriptor = connect_to(&address);
    if (descriptor < 0) {
        say(LEVEL_ERROR, "VixDiskLib: cannot connect to %s: error %d\n", laboratory.gate, errno);
        return VIX_E_CANNOT_CONNECT_TO_HOST;
    }
    *gate = calloc(1, sizeof **gate);
    if (!*gate)
        die("out of memory");
    pthread_mutex_init(&(*gate)->lock, NULL);
    (*gate)->stream = fdopen(descriptor, "r");
    if (!(*gate)->stream)
        die("out of memory");
    return VIX_OK;
}

static bool send_text(int descriptor, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t sent = send(descriptor, text, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text += sent;
        left -= (size_t)sent;
    }
    return true;
}

static bool send_request(struct gate *gate, const char *operation, const struct message *request)
{
    char first[64];
    char *text = encode_message(request ? request : &(struct message){NULL, 0});

    snprintf(first, sizeof first, "op %s\n", operation);
    bool sent = send_text(fileno(gate->stream), first) && send_text(fileno(gate->stream), text);
    explicit_bzero(text, strlen(text));
    free(text);
    return sent;
}

/* False at the end of the stream; the line feed is taken off. */
static bool read_line(FILE *stream, char *line)
{
    do {
        errno = 0;
        clearerr(stream);
        if (fgets(line, MAXIMUM_LINE, stream)) {
            line[strcspn(line, "\r\n")] = '\0';
            return true;
        }
    } while (errno == EINTR);
    return false;
}

static VixError lost_connection(const char *operation)
{
    say(LEVEL_ERROR, "VixDiskLib: connection to the server lost during '%s'\n", operation);
    return VIX_E_HOST_CONNECTION_LOST;
}

/* Result in `error`, remaining lines in `answer`, first line's text in `line`; false when the stream ended before. */
static bool read_answer(struct gate *gate, struct message *answer, char *line, VixError *error)
{
    char *more = malloc(MAXIMUM_LINE);

    if (!more)
        die("out of memory");
    bool whole = read_line(gate->stream, line);
    *error = VIX_OK;
    if (whole && !strncmp(line, "error ", 6))
        *error = strtoull(line + 6, NULL, 10);
    decode_in_place(line);
    while (whole && (whole = read_line(gate->stream, more)) && *more)
        decode_line(answer, more);
    free(more);
    return whole;
}

VixError ask_gate(struct gate *gate, const char *operation, const struct message *request, struct message *answer)
{
    struct message ignored = {NULL, 0};
    struct message *received = answer ? answer : &ignored;
    char *line = malloc(MAXIMUM_LINE);
    VixError error = VIX_OK;

    if (!line)
        die("out of memory");
    pthread_mutex_lock(&gate->lock);
    bool whole = send_request(gate, operation, request) && read_answer(gate, received, line, &error);
    pthread_mutex_unlock(&gate->lock);
    if (!whole)
        error = lost_connection(operation);
    else if (error)
        say(LEVEL_WARNING, "VixDiskLib: %s: %s\n", operation, line);
    free(line);
    free_message(&ignored);
    return error;
}

void close_gate(struct gate *gate)
{
    if (!gate)
        return;
    fclose(gate->stream);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}
