#include "client_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logging.h"

/* Programming guide, "Initialize Virtual Disk API"; matched without regard to what follows in value. */
static const char *const KNOWN_OPTIONS[] = {
    "tmpDirectory",
    "vixDiskLib.transport.LogLevel",
    "vixDiskLib.nfc.LogLevel",
    "vixDiskLib.nfcAio.Session.BufSizeIn64KB",
    "vixDiskLib.nfcAio.Session.BufCount",
    "vixDiskLib.nfc.AcceptTimeoutMs",
    "vixDiskLib.nfc.RequestTimeoutMs",
    "vixDiskLib.nfc.ReadTimeoutMs",
    "vixDiskLib.nfc.WriteTimeoutMs",
    "vixDiskLib.nfcFssrvr.TimeoutMs",
    "vixDiskLib.nfcFssrvrWrite.TimeoutMs",
    "vixDiskLib.transport.san.denyList",
    "vixDiskLib.transport.san.allowList",
    "vixDiskLib.transport.san.blacklist",
    "vixDiskLib.transport.san.whitelist",
    "vixDiskLib.transport.hotadd.NoNfcSession",
    "vixDiskLib.linuxSSL.verifyCertificates",
    "vixDiskLib.ssl.VerifyCertificates",
    "vixDiskLib.disklib.EnableCache",
    "vixDiskLib.phoneHome.EnablePhoneHome",
    "vixDiskLib.phoneHome.ProductName",
    "vixDiskLib.phoneHome.ProductVersion",
    "EnablePhoneHome",
};

static struct client_options options;

const struct client_options *client_options(void)
{
    return &options;
}

static bool is_known(const char *key)
{
    for (size_t index = 0; index < sizeof KNOWN_OPTIONS / sizeof *KNOWN_OPTIONS; index++)
        if (!strcmp(key, KNOWN_OPTIONS[index]))
            return true;
    return false;
}

static void apply(const char *key, const char *value)
{
    if (!is_known(key))
        say(LEVEL_WARNING, "VixDiskLib: config: unknown option '%s' ignored\n", key);
    else if (!strcmp(key, "tmpDirectory"))
        snprintf(options.temporary_folder, sizeof options.temporary_folder, "%s", value);
    else if (!strcmp(key, "vixDiskLib.transport.LogLevel"))
        set_log_level(atoi(value));
    else if (!strcmp(key, "vixDiskLib.nfcAio.Session.BufSizeIn64KB"))
        options.asynchronous_buffer_64k = strtoul(value, NULL, 10);
    else if (!strcmp(key, "vixDiskLib.nfcAio.Session.BufCount"))
        options.asynchronous_buffer_count = strtoul(value, NULL, 10);
}

static char *strip(char *text)
{
    text += strspn(text, " \t\"");
    char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n\"", end[-1]))
        *--end = '\0';
    return text;
}

static void parse(char *line)
{
    char *text = strip(line);
    char *equals = strchr(text, '=');

    if (*text == '#' || *text == '\0')
        return;
    if (!equals) {
        say(LEVEL_WARNING, "VixDiskLib: config: line without '=' ignored: %s\n", text);
        return;
    }
    *equals = '\0';
    apply(strip(text), strip(equals + 1));
}

VixError read_client_options(const char *path)
{
    char line[1024];

    memset(&options, 0, sizeof options);
    options.asynchronous_buffer_64k = 1;
    options.asynchronous_buffer_count = 4;
    snprintf(options.temporary_folder, sizeof options.temporary_folder, "/tmp/vmware-%u", (unsigned)getuid());
    set_log_level(LEVEL_AUDIT);
    if (!path)
        return VIX_OK;
    FILE *file = fopen(path, "re");
    if (!file) {
        say(LEVEL_ERROR, "VixDiskLib: config: cannot read '%s'\n", path);
        return VIX_E_FILE_NOT_FOUND;
    }
    while (fgets(line, sizeof line, file))
        parse(line);
    fclose(file);
    return VIX_OK;
}

bool session_memory_is_allowed(void)
{
    const unsigned long limit = 16 * 1024 / 64;

    return options.asynchronous_buffer_64k <= limit && options.asynchronous_buffer_count <= limit
        && options.asynchronous_buffer_64k * options.asynchronous_buffer_count <= limit;
}
