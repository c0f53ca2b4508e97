/* The end of a process whose client broke a rule: one line on standard error that names the rule, then abort(). */
#ifndef SIMULATED_VDDK_DIAGNOSIS_H
#define SIMULATED_VDDK_DIAGNOSIS_H

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Where the real library follows a null pointer, and crashes. */
void require_not_null(const void *pointer, const char *function, const char *argument);

#endif
