/* The other libraries of VDDK's folder: the transport plugin, and the decoys of what VDDK brings along. */
#ifndef SIMULATED_VDDK_SIBLINGS_H
#define SIMULATED_VDDK_SIBLINGS_H

#include <stdbool.h>

/* `library_directory` is what the client gave InitEx: the folder that contains lib64. */
void load_transport_plugin(const char *library_directory);
bool advanced_transports_exist(void);

/* Loads the bundled libraries by path, as VDDK does; whatever binds their names afterwards gets these. */
void load_bundled_libraries(void);

/* Checks of strict_loader and strict_libraries in lab.conf; die. */
void check_loader(void);

#endif
