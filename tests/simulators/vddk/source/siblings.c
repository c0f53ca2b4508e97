#include "siblings.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "diagnosis.h"
#include "laboratory.h"
#include "logging.h"

static const char *const BUNDLED[] = {"libz.so.1", "libcrypto.so.3", "libssl.so.3", "libstdc++.so.6"};

/* The decoys look this up: set while this library, and nobody else, loads them. */
EXPORTED int simulated_vddk_is_loading_its_own;

static bool plugin_loaded;

bool advanced_transports_exist(void)
{
    return plugin_loaded;
}

void load_transport_plugin(const char *library_directory)
{
    char path[PATH_MAX];

    if (plugin_loaded)
        return;
    if (library_directory) {
        snprintf(path, sizeof path, "%s/lib64/libdiskLibPlugin.so", library_directory);
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        plugin_loaded = plugin && dlsym(plugin, "simulated_disk_library_plugin");
        if (!plugin_loaded)
            say(LEVEL_WARNING, "VixDiskLib: cannot load %s\n", path);
    }
    if (!plugin_loaded)
        say(LEVEL_WARNING, "VixDiskLib: No transport plugin. Advanced transports not available.\n");
}

void load_bundled_libraries(void)
{
    char path[PATH_MAX];

    simulated_vddk_is_loading_its_own = 1;
    for (size_t index = 0; index < sizeof BUNDLED / sizeof *BUNDLED; index++) {
        snprintf(path, sizeof path, "%s/%s", library_folder(), BUNDLED[index]);
        if (!dlopen(path, RTLD_LAZY | RTLD_LOCAL))
            say(LEVEL_WARNING, "VixDiskLib: bundled library not loaded: %s\n", dlerror());
    }
    simulated_vddk_is_loading_its_own = 0;
}

static bool is_foreign_openssl(const char *path)
{
    const char *name = strrchr(path, '/');
    size_t folder = strlen(library_folder());

    name = name ? name + 1 : path;
    if (strncmp(name, "libcrypto.so.", 13) && strncmp(name, "libssl.so.", 10))
        return false;
    return strncmp(path, library_folder(), folder) || path[folder] != '/';
}

static int find_foreign_openssl(struct dl_phdr_info *object, size_t size, void *found)
{
    (void)size;
    if (!object->dlpi_name || !is_foreign_openssl(object->dlpi_name))
        return 0;
    *(const char **)found = object->dlpi_name;
    return 1;
}

/* The dynamic loader looked at the variable once, when the process began: so does this. */
static bool folder_was_on_library_path(void)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *environment = fopen("/proc/self/environ", "re");

    while (environment && !found && getdelim(&line, &size, '\0', environment) > 0)
        found = !strncmp(line, "LD_LIBRARY_PATH=", 16) && strstr(line, "lib64");
    free(line);
    if (environment)
        fclose(environment);
    return found;
}

void check_loader(void)
{
    struct laboratory laboratory = current_laboratory();
    const char *foreign = NULL;

    dl_iterate_phdr(find_foreign_openssl, &foreign);
    if (foreign && laboratory.strict_libraries)
        die("VixDiskLib_InitEx: %s is loaded already: the real library would bind it instead of its own", foreign);
    if (foreign)
        say(LEVEL_INFO, "VixDiskLib: %s is in this process already\n", foreign);
    if (folder_was_on_library_path())
        return;
    if (laboratory.strict_loader)
        die("VixDiskLib_InitEx: LD_LIBRARY_PATH did not contain VDDK's lib64 when this process began");
    say(LEVEL_INFO, "VixDiskLib: LD_LIBRARY_PATH did not contain lib64 when this process began\n");
}
