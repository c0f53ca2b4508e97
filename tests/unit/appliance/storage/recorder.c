/* Loaded before libc into a child that uses a store: writes each call that durability depends on, with the
 * file it concerns, to the file named by RECORDER_LOG; RECORDER_NO_LINKS=1 plays a file system without links. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void record(const char *call, const char *first, const char *second)
{
    char line[1024];
    int length = snprintf(line, sizeof line, "%s %s %s\n", call, first, second);
    int log = open(getenv("RECORDER_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write(log, line, (size_t) length) != length)
        abort();
    close(log);
}

static void record_descriptor(const char *call, int descriptor)
{
    char name[64], path[512];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    record(call, path, "");
}

int fsync(int descriptor)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    record_descriptor("sync", descriptor);
    return real(descriptor);
}

int fdatasync(int descriptor)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    record_descriptor("sync", descriptor);
    return real(descriptor);
}

static int refuses_links(void)
{
    const char *wanted = getenv("RECORDER_NO_LINKS");
    return wanted && *wanted == '1';
}

int link(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "link");
    if (refuses_links())
        return errno = EPERM, -1;
    record("name", from, to);
    return real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    int (*real)(int, const char *, int, const char *, int) = dlsym(RTLD_NEXT, "linkat");
    if (refuses_links())
        return errno = EPERM, -1;
    record("name", from, to);
    return real(from_folder, from, to_folder, to, flags);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)
{
    int (*real)(int, const char *, int, const char *, unsigned int) = dlsym(RTLD_NEXT, "renameat2");
    record("name", from, to);
    return real(from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    int result = real(path, mode);
    if (result == 0)
        record("folder", path, "");
    return result;
}
