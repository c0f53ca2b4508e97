#include "diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void die(const char *format, ...)
{
    char line[1024] = "simulated VDDK: ";
    const size_t prefix = sizeof "simulated VDDK: " - 1;
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
    va_end(arguments);
    size_t total = prefix + (size_t)(length < 0 ? 0 : length);
    if (total > sizeof line - 2)
        total = sizeof line - 2;
    line[total++] = '\n';
    /* write(), not stdio: the client may hold stdio's lock, or have replaced the buffer. */
    if (write(STDERR_FILENO, line, total) < 0)
        _exit(134);
    abort();
}

void require_not_null(const void *pointer, const char *function, const char *argument)
{
    if (!pointer)
        die("%s: %s is NULL (the real library crashes)", function, argument);
}
