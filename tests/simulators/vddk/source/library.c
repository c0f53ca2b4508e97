/* The library's life: InitEx, Exit, and the list of transports. */
#include <stdio.h>
#include <string.h>

#include "abi.h"
#include "calls.h"
#include "client_options.h"
#include "diagnosis.h"
#include "faults.h"
#include "laboratory.h"
#include "logging.h"
#include "objects.h"
#include "siblings.h"

/* A client names the interface it was written for: older is fine, newer than the library is refused. */
static bool interface_is_known(uint32_t major, uint32_t minor)
{
    uint32_t asked = major * 100 + minor;

    return major >= 5 && minor < 100 && asked <= (uint32_t)library_generation();
}

static void require_first_initialization(const char *function)
{
    if (library_state() == LIBRARY_RUNNING)
        die("%s: called twice in one process", function);
    if (current_laboratory().strict_threads && !is_main_thread())
        die("%s: called on thread %d, not on the main thread (strict_threads)", function, current_thread());
}

static void introduce_library(uint32_t major, uint32_t minor)
{
    struct laboratory laboratory = current_laboratory();

    say(LEVEL_AUDIT, "VixDiskLib: version %d.%d.%d (simulated), interface %u.%u, folder %s\n", laboratory.version_major,
        laboratory.version_minor, laboratory.version_update, major, minor, library_folder());
    if (!laboratory.found)
        say(LEVEL_WARNING, "VixDiskLib: no lab.conf in %s: local files only\n", library_folder());
}

static VixError initialize(uint32_t major, uint32_t minor, const char *library_directory, const char *options_file)
{
    refresh_faults(NULL);
    VixError error = take_fault("InitEx", NULL).error;
    if (!error && !interface_is_known(major, minor)) {
        say(LEVEL_ERROR, "VixDiskLib: interface %u.%u is not supported\n", major, minor);
        error = VIX_E_NOT_SUPPORTED;
    }
    if (!error)
        error = read_client_options(options_file);
    if (error)
        return error;
    check_loader();
    load_bundled_libraries();
    load_transport_plugin(library_directory);
    set_library_state(LIBRARY_RUNNING);
    start_background_thread();
    introduce_library(major, minor);
    say_in_background("started", "transport plugin poll");
    return VIX_OK;
}

static VixError initialize_once(const char *function, uint32_t major, uint32_t minor, VixDiskLibGenericLogFunc *log,
                                VixDiskLibGenericLogFunc *warn, VixDiskLibGenericLogFunc *panic,
                                const char *library_directory, const char *options_file)
{
    read_laboratory();
    require_first_initialization(function);
    set_log_functions(log, warn, panic);
    if (library_state() == LIBRARY_ENDED) {
        say(LEVEL_ERROR, "VixDiskLib: %s after VixDiskLib_Exit: once per process\n", function);
        return VIX_E_DISK_SUBSYSTEM_INIT_FAIL;
    }
    return initialize(major, minor, library_directory, options_file);
}

VixError VixDiskLib_InitEx(uint32_t major, uint32_t minor, VixDiskLibGenericLogFunc *log, VixDiskLibGenericLogFunc *warn,
                           VixDiskLibGenericLogFunc *panic, const char *library_directory, const char *options_file)
{
    return initialize_once("VixDiskLib_InitEx", major, minor, log, warn, panic, library_directory, options_file);
}

VixError VixDiskLib_Init(uint32_t major, uint32_t minor, VixDiskLibGenericLogFunc *log, VixDiskLibGenericLogFunc *warn,
                         VixDiskLibGenericLogFunc *panic, const char *library_directory)
{
    return initialize_once("VixDiskLib_Init", major, minor, log, warn, panic, library_directory, NULL);
}

static void report_leaks(void)
{
    for (int kind = OBJECT_PARAMETERS; kind < OBJECT_KINDS; kind++) {
        int count = count_objects((enum object_kind)kind);
        if (count)
            say(LEVEL_WARNING, "VixDiskLib: leaked: %d x %s\n", count, object_kind_name((enum object_kind)kind));
    }
}

void VixDiskLib_Exit(void)
{
    struct call call;

    begin_call(&call, "VixDiskLib_Exit", CALL_EXCLUSIVE);
    require_initializing_thread("VixDiskLib_Exit");
    if (count_objects(OBJECT_DISK) || count_objects(OBJECT_CONNECTION))
        die("VixDiskLib_Exit: %d disk(s) and %d connection(s) are still open", count_objects(OBJECT_DISK),
            count_objects(OBJECT_CONNECTION));
    report_leaks();
    stop_background_thread();
    set_library_state(LIBRARY_ENDED);
    end_call(&call);
}

const char *VixDiskLib_ListTransportModes(void)
{
    static char list[64];
    struct laboratory laboratory = current_laboratory();
    struct call call;

    begin_call(&call, "VixDiskLib_ListTransportModes", CALL_ANY_THREAD);
    strcpy(list, "file");
    for (int transport = TRANSPORT_SAN; transport < TRANSPORT_COUNT; transport++) {
        bool advanced = transport == TRANSPORT_SAN || transport == TRANSPORT_HOTADD;
        if (!laboratory.available[transport] || (advanced && !advanced_transports_exist()))
            continue;
        strcat(list, ":");
        strcat(list, transport_name((enum transport)transport));
    }
    end_call(&call);
    return list;
}
