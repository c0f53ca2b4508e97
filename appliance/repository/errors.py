"""What can be wrong with a repository as a whole and with what it holds."""

from __future__ import annotations

from appliance.errors import DamageError, InputError, RepositoryError


class NotARepositoryError(RepositoryError):
    """The folder is there but is not a repository of ours."""

    code = "KL-4001"
    remedy = "Check the path. A new repository is made in an empty folder with `keepline init`."


class RepositoryExistsError(RepositoryError):
    """The folder already holds a repository."""

    code = "KL-4002"
    remedy = "Nothing to do: the repository can be used as it is."


class FolderNotEmptyError(RepositoryError):
    """A new repository was asked for in a folder that holds something else."""

    code = "KL-4003"
    remedy = "Name an empty folder: Keepline never mixes its objects with other files."


class RepositoryFormatError(RepositoryError):
    """The repository was written by a newer or unknown Keepline."""

    code = "KL-4004"
    remedy = "Use the version of Keepline that wrote this repository, or a newer one. Nothing was changed."


class PointNotFoundError(InputError):
    """No such recovery point."""

    code = "KL-1401"
    remedy = "List the points with `keepline point list`."


class DiskNotInPointError(InputError):
    """The recovery point does not hold that disk."""

    code = "KL-1402"
    remedy = "Show the point with `keepline point show`: it lists its disks and why others were left out."


class DraftError(RepositoryError):
    """A disk draft is not what it must be to become part of a recovery point."""

    code = "KL-4020"
    remedy = "Start the run again: it reads the disk anew."


class LeaseExpiredError(RepositoryError):
    """A session relied on what it had looked up for longer than its lease allowed."""

    code = "KL-4021"
    remedy = (
        "Start the run again. If it repeats, the appliance is suspended or starved for minutes at a time."
    )
    transient = True


class CondemnedReferenceError(RepositoryError):
    """A segment that this run relies on is about to be deleted."""

    code = "KL-4022"
    remedy = "Start the run again: it stores the affected blocks anew."
    transient = True


class PointWithdrawnError(RepositoryError):
    """A point was withdrawn right after it was put, because an object it names had gone."""

    code = "KL-4023"
    remedy = "Start the run again, and find out who deletes objects from the repository."


class DamagedObjectError(DamageError):
    """A small document is not what was written."""

    code = "KL-4505"


class MissingSegmentError(DamageError):
    """A segment that a recovery point needs is gone."""

    code = "KL-4503"


class DamagedSegmentError(DamageError):
    """A segment is cut short or is not the object that was written."""

    code = "KL-4504"


class DamagedManifestError(DamageError):
    """A manifest is not what was written."""

    code = "KL-4506"


class DamagedDraftError(DamageError):
    """A part of a draft is not what was written."""

    code = "KL-4507"
    remedy = "Start the run again: it reads the disk anew."


class DamagedTaskFileError(RepositoryError):
    """A file between engine and mover is not what was written."""

    code = "KL-4024"
    remedy = "Start the run again; check the free space of the appliance's own folder."
