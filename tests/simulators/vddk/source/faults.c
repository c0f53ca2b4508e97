#include "faults.h"

#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "diagnosis.h"
#include "laboratory.h"
#include "logging.h"

struct rule {
    char text[FAULT_LENGTH]; /* its identity over refreshes */
    char function[64];
    char path[256];
    char action[64];
    char once[256];
    unsigned long nth;
    unsigned long count; /* 0: for ever */
    unsigned long calls;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[MAXIMUM_FAULTS];
static int rule_count;

/* A value ends where the next key begins: paths contain spaces. */
static size_t value_length(const char *value)
{
    static const char *const NEXT[] = {" nth=", " count=", " path=", " action=", " once="};
    size_t length = strlen(value);

    for (size_t index = 0; index < sizeof NEXT / sizeof *NEXT; index++) {
        const char *next = strstr(value, NEXT[index]);
        if (next && (size_t)(next - value) < length)
            length = (size_t)(next - value);
    }
    return length;
}

static void value_of(const char *text, const char *key, char *value, size_t size)
{
    const char *found = strstr(text, key);

    *value = '\0';
    if (!found)
        return;
    found += strlen(key);
    size_t length = value_length(found);
    if (length >= 2 && found[0] == '"' && found[length - 1] == '"') {
        found++;
        length -= 2;
    }
    snprintf(value, size, "%.*s", (int)length, found);
}

static unsigned long number_in(const char *text, const char *key)
{
    char digits[32];

    value_of(text, key, digits, sizeof digits);
    return *digits ? strtoul(digits, NULL, 10) : 1;
}

static void parse_rule(struct rule *rule, const char *text)
{
    memset(rule, 0, sizeof *rule);
    snprintf(rule->text, sizeof rule->text, "%s", text);
    if (!strncmp(text, "VixDiskLib_", 11))
        text += 11;
    snprintf(rule->function, sizeof rule->function, "%.*s", (int)strcspn(text, " "), text);
    value_of(text, " path=", rule->path, sizeof rule->path);
    value_of(text, " action=", rule->action, sizeof rule->action);
    value_of(text, " once=", rule->once, sizeof rule->once);
    rule->nth = number_in(text, " nth=");
    rule->count = number_in(text, " count=");
}

static unsigned long calls_counted_for(const char *text, const struct rule *old, int old_count)
{
    for (int index = 0; index < old_count; index++)
        if (!strcmp(old[index].text, text))
            return old[index].calls;
    return 0;
}

static void replace_rules(char texts[MAXIMUM_FAULTS][FAULT_LENGTH], int count)
{
    static struct rule old[MAXIMUM_FAULTS];

    pthread_mutex_lock(&lock);
    int old_count = rule_count;
    memcpy(old, rules, sizeof old);
    for (int index = 0; index < count; index++) {
        parse_rule(&rules[index], texts[index]);
        rules[index].calls = calls_counted_for(rules[index].text, old, old_count);
    }
    rule_count = count;
    pthread_mutex_unlock(&lock);
}

void refresh_faults(struct gate *gate)
{
    char(*texts)[FAULT_LENGTH] = calloc(MAXIMUM_FAULTS, FAULT_LENGTH);
    struct message answer = {NULL, 0};

    if (!texts)
        die("out of memory");
    int count = laboratory_faults(texts);
    if (gate && ask_gate(gate, "faults", NULL, &answer) == VIX_OK)
        for (int index = 0; index < answer.count && count < MAXIMUM_FAULTS; index++)
            if (!strncmp(answer.fields[index].key, "fault.", 6))
                snprintf(texts[count++], FAULT_LENGTH, "%s", answer.fields[index].value);
    free_message(&answer);
    replace_rules(texts, count);
    free(texts);
}

static bool matches(const struct rule *rule, const char *function, const char *path)
{
    if (strcmp(rule->function, function))
        return false;
    if (!*rule->path)
        return true;
    /* Datastore paths begin with "[name]", which a glob takes for a set of characters: compare literally as well. */
    return path && (!strcmp(rule->path, path) || fnmatch(rule->path, path, 0) == 0);
}

static bool fires(struct rule *rule)
{
    rule->calls++;
    bool due = rule->calls >= rule->nth && (!rule->count || rule->calls < rule->nth + rule->count);
    if (!due)
        return false;
    return !*rule->once || unlink(rule->once) == 0;
}

/* Copies the action of the first rule that fires; every rule counts the call. */
static bool find_action(const char *function, const char *path, char *action, size_t size)
{
    bool found = false;

    pthread_mutex_lock(&lock);
    for (int index = 0; index < rule_count; index++)
        if (matches(&rules[index], function, path) && fires(&rules[index]) && !found) {
            snprintf(action, size, "%s", rules[index].action);
            found = true;
        }
    pthread_mutex_unlock(&lock);
    return found;
}

static void hang(const char *milliseconds)
{
    unsigned long duration = strtoul(milliseconds, NULL, 10);
    struct timespec pause = {.tv_sec = (time_t)(duration / 1000), .tv_nsec = (long)(duration % 1000) * 1000000};

    while (nanosleep(&pause, &pause) != 0)
        ;
}

static struct fault perform(const char *function, const char *action)
{
    struct fault fault = {VIX_OK, false, false};

    if (!strncmp(action, "error:", 6))
        fault.error = strtoull(action + 6, NULL, 10);
    else if (!strncmp(action, "hang:", 5))
        hang(action + 5);
    else if (!strcmp(action, "kill"))
        kill(getpid(), SIGKILL);
    else if (!strcmp(action, "short"))
        fault.half = true;
    else if (!strcmp(action, "zeros"))
        fault.lying = true;
    else if (!strcmp(action, "abort")) {
        say(LEVEL_PANIC, "PANIC: fault planned for %s\n", function);
        die("%s: planned fault", function);
    } else {
        die("%s: fault with an unknown action '%s'", function, action);
    }
    return fault;
}

struct fault take_fault(const char *function, const char *path)
{
    char action[64];

    if (find_action(function, path, action, sizeof action))
        return perform(function, action);
    return (struct fault){VIX_OK, false, false};
}
