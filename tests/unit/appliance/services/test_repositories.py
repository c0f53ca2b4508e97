from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.model.documents import from_json
from appliance.model.identifiers import InstallationId
from appliance.model.requests import CheckRequest
from appliance.model.runs import RunKind
from appliance.repository.errors import FolderNotEmptyError, NotARepositoryError
from appliance.services.protected_places import warnings_about
from appliance.state import RepositoryNameTakenError, RepositoryNotFoundError, open_database
from appliance.storage import RepositoryMissingError
from tests.fakes.services import Desk


@contextmanager
def another_appliance(folder: Path) -> Iterator[Desk]:
    folder.mkdir()
    with open_database(folder) as database:
        yield Desk(database, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def test_an_empty_folder_becomes_the_repository(desk: Desk, folder: Path, tmp_path: Path) -> None:
    made = desk.repositories.initialise(folder, tmp_path)

    assert made.created
    assert desk.repositories.location() == folder
    assert desk.repositories.open().identity.repository == made.repository
    assert desk.repositories.installation() == made.installation


def test_doing_it_again_changes_nothing(desk: Desk, folder: Path, tmp_path: Path) -> None:
    first = desk.repositories.initialise(folder, tmp_path)
    again = desk.repositories.initialise(folder, tmp_path)
    assert not again.created
    assert (again.repository, again.installation) == (first.repository, first.installation)


def test_a_second_repository_is_refused_before_it_is_made(desk: Desk, folder: Path, tmp_path: Path) -> None:
    desk.repositories.initialise(folder, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RepositoryNameTakenError, match=str(folder)):
        desk.repositories.initialise(other, tmp_path)
    assert list(other.iterdir()) == []


def test_an_appliance_that_was_lost_goes_on_as_itself(desk: Desk, folder: Path, tmp_path: Path) -> None:
    lost = desk.repositories.initialise(folder, tmp_path)
    with another_appliance(tmp_path / "new") as new:
        taken_over = new.repositories.initialise(folder, tmp_path)
    assert taken_over.installation == lost.installation


def test_an_appliance_with_a_name_of_its_own_keeps_it(desk: Desk, folder: Path, tmp_path: Path) -> None:
    desk.repositories.initialise(folder, tmp_path)
    with another_appliance(tmp_path / "new") as new:
        new.installation_store.find_or_create(InstallationId("own"))
        assert new.repositories.initialise(folder, tmp_path).installation == "own"


def test_a_folder_that_is_missing_or_holds_something_else_is_left_alone(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(RepositoryMissingError):
        desk.repositories.initialise(tmp_path / "nowhere", tmp_path)
    (folder / "letter.txt").write_text("precious")
    with pytest.raises(FolderNotEmptyError):
        desk.repositories.initialise(folder, tmp_path)
    with pytest.raises(RepositoryNotFoundError):
        desk.repositories.open()


def test_a_repository_whose_folder_was_emptied_is_not_made_anew(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    desk.repositories.initialise(folder, tmp_path)
    (folder / "keepline.json").unlink()
    with pytest.raises(NotARepositoryError):
        desk.repositories.open()


def test_a_check_is_queued(desk: Desk, folder: Path, tmp_path: Path) -> None:
    desk.repositories.initialise(folder, tmp_path)
    run = desk.repositories.request_check(read_data=True).run
    assert (run.kind, from_json(CheckRequest, run.request)) == (
        RunKind.CHECK_REPOSITORY,
        CheckRequest(read_data=True),
    )


def test_a_repository_beside_the_appliance_itself_is_warned_about(folder: Path, tmp_path: Path) -> None:
    assert "same file system" in warnings_about(folder, tmp_path)[0]


def test_a_repository_on_a_datastore_is_warned_about(tmp_path: Path) -> None:
    folder = tmp_path / "datastore" / "backups"
    folder.mkdir(parents=True)
    machine = tmp_path / "datastore" / "web-01"
    machine.mkdir()
    (machine / "web-01.vmx").write_text("")

    place = f"{tmp_path / 'datastore'} looks like a datastore with virtual machines"
    assert warnings_about(folder, tmp_path)[-1].startswith(place)


def test_folders_that_come_and_go_meanwhile_do_no_harm(tmp_path: Path) -> None:
    """A temporary folder beside the repository may be removed between two looks at it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for number in range(20):
                (tmp_path / f"passing-{number}").mkdir()
            for number in range(20):
                (tmp_path / f"passing-{number}").rmdir()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(300):
            assert len(warnings_about(folder, tmp_path)) == 1
    finally:
        ended.set()
        other.join()
