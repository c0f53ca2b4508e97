#include "logging.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis.h"

struct event {
    struct event *next;
    char name[32];
    char subject[256];
};

static VixDiskLibGenericLogFunc *log_function, *warn_function, *panic_function;
static atomic_int chosen_level = LEVEL_AUDIT;
static _Thread_local int callback_depth;

static pthread_t background_thread;
static pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t event_arrived = PTHREAD_COND_INITIALIZER;
static struct event *first_event, **last_event = &first_event;
static bool background_runs, background_must_end;

bool inside_callback(void)
{
    return callback_depth > 0;
}

void enter_callback(void)
{
    callback_depth++;
}

void leave_callback(void)
{
    callback_depth--;
}

/* What the real library does without functions of the client: its own logger, which is not thread-safe. */
static void print_to_standard_error(const char *format, va_list arguments)
{
    vfprintf(stderr, format, arguments);
}

static VixDiskLibGenericLogFunc *or_default(VixDiskLibGenericLogFunc *function)
{
    return function ? function : print_to_standard_error;
}

void set_log_functions(VixDiskLibGenericLogFunc *log, VixDiskLibGenericLogFunc *warn, VixDiskLibGenericLogFunc *panic)
{
    log_function = or_default(log);
    warn_function = or_default(warn);
    panic_function = or_default(panic);
}

void set_log_level(int level)
{
    atomic_store(&chosen_level, level);
}

static VixDiskLibGenericLogFunc *function_of(enum log_level level)
{
    if (level == LEVEL_PANIC)
        return panic_function;
    return level <= LEVEL_WARNING ? warn_function : log_function;
}

void say(enum log_level level, const char *format, ...)
{
    VixDiskLibGenericLogFunc *function = function_of(level);
    va_list arguments;

    if ((int)level > atomic_load(&chosen_level) || !function)
        return;
    va_start(arguments, format);
    enter_callback();
    function(format, arguments);
    leave_callback();
    va_end(arguments);
}

static struct event *next_event(void)
{
    pthread_mutex_lock(&event_lock);
    while (!first_event && !background_must_end)
        pthread_cond_wait(&event_arrived, &event_lock);
    struct event *event = first_event;
    if (event) {
        first_event = event->next;
        if (!first_event)
            last_event = &first_event;
    }
    pthread_mutex_unlock(&event_lock);
    return event;
}

static void *say_events(void *unused)
{
    unsigned long long count = 0;

    (void)unused;
    for (struct event *event; (event = next_event()); free(event))
        say(LEVEL_AUDIT, "VixDiskLib: background: %s %s (event %llu, %3.1f%% of buffers in use)\n", event->name,
            event->subject, ++count, 12.5);
    return NULL;
}

void start_background_thread(void)
{
    sigset_t all, before;

    /* Signals belong to the client's threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    background_must_end = false;
    background_runs = pthread_create(&background_thread, NULL, say_events, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!background_runs)
        die("VixDiskLib_InitEx: cannot start a thread");
}

void stop_background_thread(void)
{
    if (!background_runs)
        return;
    pthread_mutex_lock(&event_lock);
    background_must_end = true;
    pthread_cond_signal(&event_arrived);
    pthread_mutex_unlock(&event_lock);
    pthread_join(background_thread, NULL);
    background_runs = false;
}

void say_in_background(const char *name, const char *subject)
{
    struct event *event = calloc(1, sizeof *event);

    if (!event)
        return;
    snprintf(event->name, sizeof event->name, "%s", name);
    snprintf(event->subject, sizeof event->subject, "%s", subject);
    pthread_mutex_lock(&event_lock);
    *last_event = event;
    last_event = &event->next;
    pthread_cond_signal(&event_arrived);
    pthread_mutex_unlock(&event_lock);
}
