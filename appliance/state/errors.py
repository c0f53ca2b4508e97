"""Why the state database cannot be used, or refuses what it is told."""

from __future__ import annotations

from appliance.errors import ApplianceStateError, InputError


class DatabaseUnusableError(ApplianceStateError):
    """The state database cannot be opened, read or written."""

    code = "KL-6010"
    remedy = "Check that the named file lies on a local file system and that this user may read and write it."


class DatabaseBusyError(DatabaseUnusableError):
    """Another process held the state database for longer than anyone should."""

    code = "KL-6011"
    remedy = "Try again; if it stays so, look for a stopped keepline process and end it."
    transient = True


class DatabaseReadOnlyError(DatabaseUnusableError):
    """The state database, its folder or its file system is read-only."""

    code = "KL-6012"
    remedy = "Make the state folder and the files in it writable for the user that runs Keepline."


class DatabaseFullError(DatabaseUnusableError):
    """The file system of the state database has no space left."""

    code = "KL-6013"
    remedy = "Free space on the file system that holds the state folder, then try again."
    transient = True


class DatabaseDamagedError(DatabaseUnusableError):
    """The file is not a SQLite database, or is a damaged one."""

    code = "KL-6014"
    remedy = (
        "Move the file away and run `keepline init` with the same repository folder: recovery points are "
        "read from the repository; vCenters must be added again."
    )


class DatabaseNewerError(DatabaseUnusableError):
    """The state database was written by a newer Keepline."""

    code = "KL-6015"
    remedy = "Install the Keepline that wrote it, or a newer one: databases are never taken back."


class RunTransitionError(ApplianceStateError):
    """A run cannot go from where it is to where it was sent, or belongs to a later attempt."""

    code = "KL-6020"
    remedy = "Look at the run with `keepline run show`: somebody else has moved it on."


class RunNotFoundError(InputError):
    """No run has this id."""

    code = "KL-1090"
    remedy = "List the runs with `keepline run list`."


class VcenterNotFoundError(InputError):
    """No vCenter was added under this name."""

    code = "KL-1091"
    remedy = "List the vCenters with `keepline vcenter list`, or add it with `keepline vcenter add`."


class VcenterExistsError(InputError):
    """A vCenter was added under this name already."""

    code = "KL-1092"
    remedy = "Choose another name, or remove the old one first with `keepline vcenter remove`."


class RepositoryNotFoundError(InputError):
    """This appliance has no repository of this name yet."""

    code = "KL-1093"
    remedy = "Make a repository, or take over an existing one, with `keepline init FOLDER`."


class RepositoryNameTakenError(InputError):
    """This appliance has a repository of this name already."""

    code = "KL-1094"
    remedy = "Use the repository that is there, or another state folder for another repository."


class AuditFileError(ApplianceStateError):
    """The audit trail cannot be written."""

    code = "KL-6021"
    remedy = "Free space on the file system of the state folder and make the file writable for its owner."


class PolicyNotFoundError(InputError):
    """No policy has this name."""

    code = "KL-1096"
    remedy = "List the policies with `keepline policy list`."


class PolicyStaleError(InputError):
    """A policy is not any more what it was when somebody began to change it."""

    code = "KL-1098"
    remedy = "Look at how the two differ, then save again if yours is what you want."


class PolicyExistsError(InputError):
    """A policy has this name already."""

    code = "KL-1097"
    remedy = "Choose another name, or remove the old one first with `keepline policy remove`."
