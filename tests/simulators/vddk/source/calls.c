#include "calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "diagnosis.h"
#include "laboratory.h"
#include "logging.h"

static atomic_int state = LIBRARY_NEW;
static pid_t process_of_initialization;
static int initializing_thread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int designated_thread;
static const char *designating_function;
static const char *exclusive_function;
static int exclusive_thread;

int current_thread(void)
{
    return (int)syscall(SYS_gettid);
}

bool is_main_thread(void)
{
    return current_thread() == getpid();
}

enum library_state library_state(void)
{
    return (enum library_state)atomic_load(&state);
}

void set_library_state(enum library_state new_state)
{
    if (new_state == LIBRARY_RUNNING) {
        process_of_initialization = getpid();
        initializing_thread = current_thread();
        designated_thread = 0;
    }
    atomic_store(&state, new_state);
}

void require_initializing_thread(const char *function)
{
    if (current_laboratory().strict_threads && current_thread() != initializing_thread)
        die("%s: on thread %d, but VixDiskLib_InitEx was called on thread %d", function, current_thread(), initializing_thread);
}

static void require_running_library(const char *function)
{
    switch (library_state()) {
    case LIBRARY_NEW:
        die("%s: called before VixDiskLib_InitEx", function);
    case LIBRARY_ENDED:
        die("%s: called after VixDiskLib_Exit", function);
    case LIBRARY_RUNNING:
        break;
    }
    if (getpid() != process_of_initialization)
        die("%s: this process was forked from %d after VixDiskLib_InitEx: the library's threads do not exist here", function,
            (int)process_of_initialization);
}

/* Whoever connects or prepares first is the thread that does so for ever. */
static void require_designated_thread(const char *function)
{
    int thread = current_thread();

    if (!designated_thread) {
        designated_thread = thread;
        designating_function = function;
    }
    if (designated_thread != thread)
        die("%s: on thread %d, but thread %d was designated by %s (strict_threads)", function, thread, designated_thread,
            designating_function);
}

static void claim_exclusively(const char *function)
{
    if (exclusive_function)
        die("%s on thread %d overlaps %s on thread %d: connect, open and close calls need one lock", function,
            current_thread(), exclusive_function, exclusive_thread);
    exclusive_function = function;
    exclusive_thread = current_thread();
}

void begin_call(struct call *call, const char *function, unsigned rules)
{
    call->function = function;
    call->exclusive = (rules & CALL_EXCLUSIVE) != 0;
    require_running_library(function);
    if (inside_callback() && !(rules & CALL_IN_CALLBACK))
        die("%s: called from inside a callback of the library", function);
    if (!(rules & (CALL_EXCLUSIVE | CALL_ON_DESIGNATED)))
        return;
    bool strict = current_laboratory().strict_threads;
    pthread_mutex_lock(&lock);
    if (call->exclusive)
        claim_exclusively(function);
    if (strict && (rules & CALL_ON_DESIGNATED))
        require_designated_thread(function);
    pthread_mutex_unlock(&lock);
}

void end_call(struct call *call)
{
    if (!call->exclusive)
        return;
    pthread_mutex_lock(&lock);
    exclusive_function = NULL;
    pthread_mutex_unlock(&lock);
}
