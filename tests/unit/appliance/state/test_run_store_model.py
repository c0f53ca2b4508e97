"""The run store against a model that is nothing but the transition table."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from appliance.model.identifiers import RunId, new_run_id
from appliance.model.run_limits import RunLimits
from appliance.model.runs import (
    ACTIVE_STATES,
    ALLOWED_TRANSITIONS,
    ENDED_STATES,
    NOWHERE,
    Run,
    RunFailure,
    RunKind,
    RunOutcome,
    RunPlace,
    RunState,
)
from appliance.state import RunFilter, RunStore, RunTransitionError, open_database

START = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = st.builds(
    RunPlace, st.sampled_from(("main", "other")), st.sampled_from(("", "esx-1", "esx-2"))
) | st.just(NOWHERE)
LIMITS = st.builds(
    RunLimits, per_vcenter=st.none() | st.integers(1, 3), per_host=st.none() | st.integers(1, 2)
)
FAILURE = RunFailure("KL-0000", "failed", "Nothing.", 1)


class RunStoreAgainstTable(RuleBasedStateMachine):
    """Moves runs at random; every move succeeds exactly when the table and the attempt allow it."""

    known = Bundle[RunId]("known")

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        self.store = RunStore(self.resources.enter_context(open_database(Path(folder))))
        self.model: dict[RunId, Run] = {}
        self.count = 0

    def teardown(self) -> None:
        self.resources.close()

    @rule(target=known, subject=st.sampled_from("abc"), kind=st.sampled_from(RunKind), place=PLACES)
    def request(self, subject: str, kind: RunKind, place: RunPlace) -> RunId:
        self.count += 1
        now = START + timedelta(seconds=self.count)
        run_id = new_run_id(now, f"{self.count:08x}")
        run = Run(run_id, kind, subject, subject, RunState.QUEUED, now, "{}", place=place)
        active = [
            each.id
            for each in self.model.values()
            if each.kind is kind is RunKind.BACKUP and each.subject == subject and each.state in ACTIVE_STATES
        ]
        requested = self.store.request(run)
        assert requested.joined == bool(active)
        if active:
            assert [requested.run.id] == active
        self.remember(requested.run)
        return requested.run.id

    @rule(limits=LIMITS)
    def claim(self, limits: RunLimits) -> None:
        allowed = [run for run in self.model.values() if self.may_begin(run, limits)]
        run = self.store.claim_next(START, limits)
        if not allowed:
            assert run is None
            return
        oldest = min(allowed, key=lambda each: each.requested_at)
        assert run is not None
        assert (run.id, run.state, run.attempt) == (oldest.id, RunState.RUNNING, oldest.attempt + 1)
        self.remember(run)

    @rule(run_id=known, target_state=st.sampled_from(RunState), stale=st.booleans())
    def move(self, run_id: RunId, target_state: RunState, stale: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        known = self.model[run_id]
        allowed = target_state in ALLOWED_TRANSITIONS[known.state]
        if target_state is RunState.QUEUED or (
            target_state is RunState.RUNNING and known.state is RunState.QUEUED
        ):
            return  # only `request` and `claim_next` lead there
        named = RunStoreAgainstTable.stale(known) if stale and target_state is not RunState.RUNNING else known
        if not allowed or named is not known:
            with pytest.raises(RunTransitionError):
                self.act(named, target_state)
        else:
            moved = self.act(named, target_state)
            assert moved.state is target_state
            self.remember(moved)

    @rule(run_id=known)
    def cancel(self, run_id: RunId) -> None:
        known = self.model[run_id]
        if known.state in ENDED_STATES:
            with pytest.raises(RunTransitionError):
                self.store.request_cancel(run_id, START)
            return
        asked = self.store.request_cancel(run_id, START)
        assert asked.cancel_requested
        assert asked.state is (RunState.CANCELLED if known.state is RunState.QUEUED else known.state)
        self.remember(asked)

    @invariant()
    def store_and_model_agree(self) -> None:
        assert {run.id: run for run in self.store.list(RunFilter(limit=1000))} == self.model

    @invariant()
    def no_machine_has_two_active_backups(self) -> None:
        active = [
            run.subject
            for run in self.model.values()
            if run.kind is RunKind.BACKUP and run.state in ACTIVE_STATES
        ]
        assert len(active) == len(set(active))

    def may_begin(self, run: Run, limits: RunLimits) -> bool:
        """Whether it waits, and neither its vCenter nor its host is full."""
        working = [each.place for each in self.model.values() if each.state is RunState.RUNNING]
        on_vcenter = sum(place.vcenter == run.place.vcenter for place in working)
        on_host = working.count(run.place)
        return (
            run.state is RunState.QUEUED
            and (not run.place.vcenter or limits.per_vcenter is None or on_vcenter < limits.per_vcenter)
            and (not run.place.host or limits.per_host is None or on_host < limits.per_host)
        )

    def act(self, run: Run, target: RunState) -> Run:
        if target is RunState.RUNNING:
            return self.store.resume(run.id)
        if target is RunState.INTERRUPTED:
            return self.store.interrupt(run)
        if target in (RunState.FAILED, RunState.CANCELLED):
            return self.store.end_with(run, target, FAILURE, START)
        return self.store.finish(run, RunOutcome(target, "{}"), START)

    def remember(self, run: Run) -> None:
        self.model[run.id] = run

    @staticmethod
    def stale(run: Run) -> Run:
        """The run as an engine of an earlier attempt remembers it."""
        return Run(
            run.id, run.kind, run.subject, run.subject_name, run.state, run.requested_at, "{}", attempt=99
        )


TestRunStoreAgainstTable = RunStoreAgainstTable.TestCase
TestRunStoreAgainstTable.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
