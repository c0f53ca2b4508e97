/* What the library is when lab.conf does not say: set for each variant by the Makefile, in version.c alone. */
#ifndef SIMULATED_VDDK_VERSION_H
#define SIMULATED_VDDK_VERSION_H

extern const int DEFAULT_VERSION_MAJOR;
extern const int DEFAULT_VERSION_MINOR;
extern const int DEFAULT_VERSION_UPDATE;

#endif
