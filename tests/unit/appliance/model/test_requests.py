from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import ManagedObjectId
from appliance.model.recovery_points import Consistency
from appliance.model.requests import BackupRequest, combined, unmet_wishes
from appliance.model.virtual_machines import MachineIdentity

REQUESTS = st.builds(
    BackupRequest,
    vcenter=st.just("main"),
    machine=st.just(ManagedObjectId("vm-1")),
    identity=st.just(MachineIdentity("vcenter", "machine")),
    accepted_disks=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    full=st.booleans(),
    consistency=st.sampled_from(Consistency),
)


def wishes(request: BackupRequest) -> tuple[frozenset[str], bool, Consistency]:
    return frozenset(request.accepted_disks), request.full, request.consistency


@given(REQUESTS)
def test_a_request_met_by_itself_leaves_nothing_to_wish_for(request: BackupRequest) -> None:
    assert combined(request, request) == request
    assert unmet_wishes(request, request) == ()
    assert from_json(BackupRequest, to_json(request)) == request


@given(REQUESTS, REQUESTS, REQUESTS)
def test_in_which_order_requests_come_does_not_matter(
    first: BackupRequest, second: BackupRequest, third: BackupRequest
) -> None:
    assert wishes(combined(first, second)) == wishes(combined(second, first))
    assert wishes(combined(combined(first, second), third)) == wishes(
        combined(first, combined(second, third))
    )


@given(REQUESTS, REQUESTS)
def test_of_a_combined_request_only_a_disk_can_be_refused(
    first: BackupRequest, second: BackupRequest
) -> None:
    both = combined(first, second)
    for wish in (first, second):
        refused = set(wish.accepted_disks) - set(both.accepted_disks)
        assert set(unmet_wishes(both, wish)) == {f"{disk} is a gap when it is missing" for disk in refused}


@given(REQUESTS, REQUESTS)
def test_what_is_weaker_than_wished_is_said(done: BackupRequest, wish: BackupRequest) -> None:
    said = " ".join(unmet_wishes(done, wish))
    assert ("read as a whole" in said) is (wish.full and not done.full)
    assert ("consistency" in said) is (wish.consistency.strength > done.consistency.strength)
    assert said.count("without being a gap") == len(set(done.accepted_disks) - set(wish.accepted_disks))


def test_consistencies_are_ordered_by_what_the_guest_does() -> None:
    strengths = [
        each.strength for each in (Consistency.CRASH, Consistency.FILESYSTEM, Consistency.APPLICATION)
    ]
    assert strengths == sorted(set(strengths))
