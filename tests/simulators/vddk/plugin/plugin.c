/* libdiskLibPlugin.so: that it can be loaded from libDir/lib64 is what makes the advanced transports exist. */
__attribute__((visibility("default"))) extern const char simulated_disk_library_plugin[];
const char simulated_disk_library_plugin[] = "hotadd:san";
