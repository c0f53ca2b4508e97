"""Every error of this package.

VddkError
├── LibraryFileError        the library cannot be used: found nowhere, wrong kind, cannot be loaded
│   ├── FolderMissingError
│   ├── LibraryMissingError
│   ├── WrongArchitectureError
│   ├── LibraryTooOldError
│   └── LibraryLoadError
├── MissingFunctionError    the loaded library is too old for one function
├── UsageError              a rule of VDDK would have been broken; the library was not entered
│   ├── LibraryStateError   not initialised, initialised twice, already ended
│   ├── ThreadRuleError     only the main thread may do this
│   ├── ForkedProcessError  this process is a fork of the one that initialised the library
│   ├── HandleBusyError     another thread is using this handle
│   ├── HandleClosedError
│   ├── MixedModeError      synchronous and asynchronous I/O on one handle
│   └── InvalidArgumentError
└── VixError                the library refused, with its number (vix_errors.py)

Each has `code` (stable), `remedy` (what to do) and `transient` (the same call may succeed later, unchanged).
"""


class VddkError(Exception):
    """Anything that went wrong in or around VDDK."""

    code: str = "VDDK"
    remedy: str = "Look at VDDK's own log."
    transient: bool = False


class LibraryFileError(VddkError):
    """The VDDK folder holds no library that can be used."""

    code = "VDDK-LIBRARY"
    remedy = "Unpack VMware's VDDK archive for Linux and name the folder that contains lib64."


class FolderMissingError(LibraryFileError):
    """The VDDK folder does not exist."""

    code = "VDDK-LIBRARY-FOLDER-MISSING"


class LibraryMissingError(LibraryFileError):
    """The folder exists and holds no libvixDiskLib."""

    code = "VDDK-LIBRARY-MISSING"


class WrongArchitectureError(LibraryFileError):
    """The file is not a 64-bit x86 ELF library."""

    code = "VDDK-LIBRARY-ARCHITECTURE"
    remedy = "Use the x86-64 Linux archive of VDDK, on an x86-64 machine."


class LibraryTooOldError(LibraryFileError):
    """The library is older than the oldest generation these bindings know."""

    code = "VDDK-LIBRARY-TOO-OLD"
    remedy = "Install VDDK 6.7 or newer; for vSphere 8 and 9 use VDDK 8 or 9."


class LibraryLoadError(LibraryFileError):
    """The dynamic loader refused the library."""

    code = "VDDK-LIBRARY-LOAD"
    remedy = (
        "Start the process with LD_LIBRARY_PATH set to VDDK's lib64, so that the library finds the ones "
        "it brings along, and import nothing that loads the system's OpenSSL or libstdc++ before."
    )


class MissingFunctionError(VddkError):
    """The loaded library does not export this function."""

    code = "VDDK-FUNCTION-MISSING"
    remedy = "Install a newer VDDK."

    def __init__(self, function: str, library: str) -> None:
        super().__init__(f"{library} has no function {function}")
        self.function = function


class UsageError(VddkError):
    """A rule of VDDK would have been broken; the library was not entered."""

    code = "VDDK-USAGE"
    remedy = "This is a mistake in the calling program."


class LibraryStateError(UsageError):
    """The library is not initialised, was initialised before, or was ended."""

    code = "VDDK-USAGE-STATE"


class ThreadRuleError(UsageError):
    """The call is allowed on the main thread only."""

    code = "VDDK-USAGE-THREAD"


class ForkedProcessError(UsageError):
    """VDDK's threads do not exist in a fork of the process that initialised it."""

    code = "VDDK-USAGE-FORK"
    remedy = "Start a new process instead of forking, and initialise the library there."


class HandleBusyError(UsageError):
    """Another thread is inside the library with this handle."""

    code = "VDDK-USAGE-BUSY"
    remedy = "Open the disk once for each thread that reads or writes it."


class HandleClosedError(UsageError):
    """The disk or connection was closed before."""

    code = "VDDK-USAGE-CLOSED"


class MixedModeError(UsageError):
    """One handle does either synchronous or asynchronous I/O, never both."""

    code = "VDDK-USAGE-MIXED-MODE"
    remedy = "Open the disk a second time for the other kind of I/O."


class InvalidArgumentError(UsageError, ValueError):
    """A value the library would crash on, ignore, or misunderstand."""

    code = "VDDK-USAGE-ARGUMENT"
