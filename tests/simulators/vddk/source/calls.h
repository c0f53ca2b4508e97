/* The rules that hold for a call as such: library state, process, thread, and which calls may not overlap. */
#ifndef SIMULATED_VDDK_CALLS_H
#define SIMULATED_VDDK_CALLS_H

#include <stdbool.h>

enum call_rule {
    CALL_ANY_THREAD = 0,
    CALL_EXCLUSIVE = 1,    /* connect, open and close calls never overlap */
    CALL_ON_DESIGNATED = 2, /* in strict mode: only on the designated thread */
    CALL_IN_CALLBACK = 4,  /* harmless enough for a callback */
};

struct call {
    const char *function;
    bool exclusive;
};

/* Dies with a diagnosis when a rule is broken. */
void begin_call(struct call *call, const char *function, unsigned rules);
void end_call(struct call *call);

/* Life of the library in this process. */
enum library_state { LIBRARY_NEW, LIBRARY_RUNNING, LIBRARY_ENDED };
enum library_state library_state(void);
void set_library_state(enum library_state state);

/* The thread of InitEx, for Exit. */
void require_initializing_thread(const char *function);
bool is_main_thread(void);
int current_thread(void);

#endif
