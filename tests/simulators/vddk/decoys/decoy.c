/*
 * A decoy of a library that VDDK brings along: it may lie in the process, but nobody except VDDK may bind it.
 *
 * Every function it exports is resolved at the moment somebody binds it, and that ends the process with the name of the
 * object that did. One exception, because a process could not even start otherwise: the interpreter itself may be linked
 * with libz (Debian's python3 is), so for the main executable and libpython the calls go on to the machine's own libz.
 */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Filled in by the generated assembly. */
extern const char decoy_name[] __attribute__((visibility("hidden")));
extern const int decoy_forwards __attribute__((visibility("hidden")));
extern const char *const decoy_symbols[] __attribute__((visibility("hidden")));
extern void *decoy_targets[] __attribute__((visibility("hidden")));

__attribute__((visibility("hidden"))) void *decoy_resolve(const char *symbol, void *trampoline);
__attribute__((visibility("hidden"))) _Noreturn void decoy_without_target(void);

struct search {
    const char *culprit;
    bool only_forwarded;
    char vddk[PATH_MAX];
};


_Noreturn static void end(const char *what, const char *culprit)
{
    char line[PATH_MAX + 256];
    int length = snprintf(line, sizeof line, "simulated VDDK: %s of the VDDK folder was %s by %s\n", decoy_name, what,
                          culprit ? culprit : "a caller of dlopen or dlsym");

    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        _exit(134);
    abort();
}

static const ElfW(Dyn) *dynamic_section(const struct dl_phdr_info *object)
{
    for (int index = 0; index < object->dlpi_phnum; index++)
        if (object->dlpi_phdr[index].p_type == PT_DYNAMIC)
            return (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[index].p_vaddr);
    return NULL;
}

static bool needs_decoy(const struct dl_phdr_info *object)
{
    const ElfW(Dyn) *section = dynamic_section(object);
    uintptr_t strings = 0;

    for (const ElfW(Dyn) *entry = section; entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_STRTAB)
            strings = entry->d_un.d_ptr;
    if (!strings)
        return false;
    if (strings < object->dlpi_addr)
        strings += object->dlpi_addr;
    for (const ElfW(Dyn) *entry = section; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_NEEDED && !strcmp((const char *)(strings + entry->d_un.d_val), decoy_name))
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int look_at(struct dl_phdr_info *object, size_t size, void *data)
{
    struct search *search = data;
    const char *name = object->dlpi_name && *object->dlpi_name ? object->dlpi_name : "the main executable";
    bool forwarded = decoy_forwards && (*name != '/' || !strncmp(base_name(name), "libpython", 9));

    (void)size;
    if (!strncmp(base_name(name), "libvixDiskLib.so", 16))
        snprintf(search->vddk, sizeof search->vddk, "%s", name);
    if (needs_decoy(object)) {
        search->culprit = name;
        search->only_forwarded = search->only_forwarded && forwarded;
    }
    return 0;
}

static struct search look_around(void)
{
    struct search search = {.culprit = NULL, .only_forwarded = true, .vddk = ""};

    dl_iterate_phdr(look_at, &search);
    search.only_forwarded = search.only_forwarded && search.culprit;
    return search;
}

/* Called by the dynamic loader for each function that somebody binds. */
void *decoy_resolve(const char *symbol, void *trampoline)
{
    struct search search = look_around();
    char what[128];

    if (search.only_forwarded)
        return trampoline;
    snprintf(what, sizeof what, "bound (%s)", symbol);
    end(what, search.culprit);
}

_Noreturn void decoy_without_target(void)
{
    end("called, but the machine has no libz of its own,", "the main executable");
}

static void forward_to_real_library(void)
{
    static const char *const FOLDERS[] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"};
    char path[PATH_MAX];
    void *real = NULL;

    for (size_t index = 0; !real && index < sizeof FOLDERS / sizeof *FOLDERS; index++) {
        snprintf(path, sizeof path, "%s/%s", FOLDERS[index], decoy_name);
        real = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    for (size_t index = 0; real && decoy_symbols[index]; index++)
        if (decoy_targets[index] && dlsym(real, decoy_symbols[index]))
            decoy_targets[index] = dlsym(real, decoy_symbols[index]);
}

static bool vddk_is_loading(const char *library)
{
    void *vddk = *library ? dlopen(library, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    const int *loading = vddk ? dlsym(vddk, "simulated_vddk_is_loading_its_own") : NULL;
    bool answer = loading && *loading;

    if (vddk)
        dlclose(vddk);
    return answer;
}

__attribute__((constructor)) static void check_who_loads(void)
{
    struct search search = look_around();

    if (vddk_is_loading(search.vddk))
        return;
    if (!search.only_forwarded)
        end("loaded", search.culprit);
    forward_to_real_library();
}
