/* Messages to the client's log functions, as a format and a va_list, from whichever thread has something to say. */
#ifndef SIMULATED_VDDK_LOGGING_H
#define SIMULATED_VDDK_LOGGING_H

#include <stdbool.h>

#include "abi.h"

/* vixDiskLib.transport.LogLevel: what is above the chosen level is not said. */
enum log_level { LEVEL_PANIC, LEVEL_ERROR, LEVEL_WARNING, LEVEL_AUDIT, LEVEL_INFO, LEVEL_VERBOSE, LEVEL_TRIVIA };

void set_log_functions(VixDiskLibGenericLogFunc *log, VixDiskLibGenericLogFunc *warn, VixDiskLibGenericLogFunc *panic);
void set_log_level(int level);

/* Never called with a lock held: the client's function may wait for another of its threads (Python: for its global lock). */
void say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The thread that real VDDK has for its own purposes; here it says that something happened. */
void start_background_thread(void);
void stop_background_thread(void);
void say_in_background(const char *event, const char *subject);

/* True on a thread that is inside one of the client's callbacks. */
bool inside_callback(void);
void enter_callback(void);
void leave_callback(void);

#endif
