#include "message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis.h"

static char *copy_of(const char *text, size_t length)
{
    char *copy = strndup(text, length);

    if (!copy)
        die("out of memory");
    return copy;
}

static void add_owned(struct message *message, char *key, char *value)
{
    struct field *larger = realloc(message->fields, ((size_t)message->count + 1) * sizeof *larger);

    if (!larger)
        die("out of memory");
    message->fields = larger;
    message->fields[message->count++] = (struct field){key, value};
}

void add_field(struct message *message, const char *key, const char *value)
{
    const char *text = value ? value : "";

    add_owned(message, copy_of(key, strlen(key)), copy_of(text, strlen(text)));
}

void add_number(struct message *message, const char *key, uint64_t value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    add_field(message, key, digits);
}

const char *field_of(const struct message *message, const char *key)
{
    for (int index = 0; index < message->count; index++)
        if (!strcmp(message->fields[index].key, key))
            return message->fields[index].value;
    return NULL;
}

uint64_t number_of(const struct message *message, const char *key, uint64_t otherwise)
{
    const char *value = field_of(message, key);

    return value && *value ? strtoull(value, NULL, 10) : otherwise;
}

static char *encode_value(char *out, const char *value)
{
    for (const unsigned char *byte = (const unsigned char *)value; *byte; byte++)
        if (isalnum(*byte) || strchr("-_.~/:@", *byte))
            *out++ = (char)*byte;
        else
            out += sprintf(out, "%%%02X", *byte);
    return out;
}

char *encode_message(const struct message *message)
{
    size_t size = 2;

    for (int index = 0; index < message->count; index++)
        size += strlen(message->fields[index].key) + 3 * strlen(message->fields[index].value) + 2;
    char *text = malloc(size);
    if (!text)
        die("out of memory");
    char *out = text;
    for (int index = 0; index < message->count; index++) {
        out += sprintf(out, "%s ", message->fields[index].key);
        out = encode_value(out, message->fields[index].value);
        *out++ = '\n';
    }
    strcpy(out, "\n");
    return text;
}

static int hexadecimal(const char *digits)
{
    char pair[3] = {digits[0], digits[0] ? digits[1] : '\0', '\0'};

    if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
        return -1;
    return (int)strtol(pair, NULL, 16);
}

void decode_in_place(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        int byte = *in == '%' ? hexadecimal(in + 1) : -1;
        if (byte >= 0) {
            *out++ = (char)byte;
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

void decode_line(struct message *message, const char *line)
{
    size_t key_length = strcspn(line, " ");
    const char *value = line[key_length] ? line + key_length + 1 : "";
    char *decoded = copy_of(value, strlen(value));

    decode_in_place(decoded);
    add_owned(message, copy_of(line, key_length), decoded);
}

void free_message(struct message *message)
{
    for (int index = 0; index < message->count; index++) {
        /* Passwords pass through here: leave none behind in freed memory. */
        explicit_bzero(message->fields[index].value, strlen(message->fields[index].value));
        free(message->fields[index].key);
        free(message->fields[index].value);
    }
    free(message->fields);
    *message = (struct message){NULL, 0};
}
