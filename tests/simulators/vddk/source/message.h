/* Messages of the gate: lines of "key value", values percent-encoded, ended by an empty line. */
#ifndef SIMULATED_VDDK_MESSAGE_H
#define SIMULATED_VDDK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
    char *key;
    char *value;
};

struct message {
    struct field *fields;
    int count;
};

/* NULL as a value is the empty string. */
void add_field(struct message *message, const char *key, const char *value);
void add_number(struct message *message, const char *key, uint64_t value);

/* NULL when absent. */
const char *field_of(const struct message *message, const char *key);
uint64_t number_of(const struct message *message, const char *key, uint64_t otherwise);

/* Heap text with the ending empty line. */
char *encode_message(const struct message *message);

/* Undoes percent-encoding. */
void decode_in_place(char *text);

/* One line without its line feed: "key value" into a new field, decoded. */
void decode_line(struct message *message, const char *line);

void free_message(struct message *message);

#endif
