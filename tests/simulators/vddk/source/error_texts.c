/* GetErrorText: a new heap string for each call, as clients must free it. */
#include <stdio.h>
#include <string.h>

#include "abi.h"
#include "objects.h"

struct text {
    unsigned code;
    const char *words;
};

static const struct text TEXTS[] = {
    {0, "The operation was successful"},
    {1, "Unknown error"},
    {2, "Memory allocation failed. Out of memory."},
    {3, "One of the parameters was invalid"},
    {4, "A file was not found"},
    {5, "This function cannot be performed because the handle is executing another function"},
    {6, "The operation is not supported"},
    {7, "A file access error occurred on the host or guest operating system"},
    {8, "The file system is full"},
    {9, "The wrong kind of file was given"},
    {10, "The operation was canceled"},
    {11, "The file is write-protected"},
    {12, "The file already exists"},
    {13, "You do not have access rights to this file"},
    {15, "The file is already in use"},
    {20, "The command is not supported for remote virtual machines"},
    {22, "The file name is invalid"},
    {24, "A buffer is too small"},
    {31, "The requested operation is already in progress"},
    {35, "Cannot authenticate with the given credentials"},
    {36, "The connection to the host was lost"},
    {3014, "Insufficient permissions in the host operating system"},
    {3047, "The authentication session is invalid"},
    {4000, "The virtual machine cannot be found"},
    {13003, "The snapshot does not exist"},
    {14009, "The server refused the connection"},
    {14011, "The connection to the server was lost"},
    {16000, "The virtual disk is invalid"},
    {16006, "The virtual disk needs repair"},
    {16007, "You have requested access to an area of the virtual disk that is out of bounds"},
    {16052, "The virtual disk metadata key was not found"},
    {16053, "The virtual disk library could not be initialized"},
    {18000, "Cannot connect to the host"},
    {25000, "The operation continues asynchronously"},
    {26000, "Synchronous and asynchronous requests cannot be mixed on one disk"},
};

static const char *words_of(unsigned code)
{
    for (size_t index = 0; index < sizeof TEXTS / sizeof *TEXTS; index++)
        if (TEXTS[index].code == code)
            return TEXTS[index].words;
    return NULL;
}

char *VixDiskLib_GetErrorText(VixError error, const char *locale)
{
    char other[64];

    (void)locale; /* no begin_call: a client whose InitEx failed asks for the text of that error */
    unsigned code = (unsigned)(error & 0xFFFF);
    const char *words = words_of(code);
    if (!words) {
        snprintf(other, sizeof other, "Error %u", code);
        words = other;
    }
    char *text = allocate_object(OBJECT_ERROR_TEXT, strlen(words) + 1);
    if (text)
        strcpy(text, words);
    return text;
}

void VixDiskLib_FreeErrorText(char *text)
{
    if (text)
        release_object(text, OBJECT_ERROR_TEXT, "VixDiskLib_FreeErrorText");
}
