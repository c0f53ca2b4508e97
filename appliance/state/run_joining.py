"""A second request for a backup that is active: it is heard as long as the run has not begun."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from appliance.model.documents import from_json, to_json
from appliance.model.requests import BackupRequest, combined, unmet_wishes
from appliance.model.runs import ACTIVE_STATES, Run, RunKind, RunState
from appliance.state.tables import RunLogRow, RunRow


def join_run(session: Session, twin: RunRow, run: Run) -> tuple[str, ...]:
    """Let `twin` do what `run` asks for too, while it can still be told; what of it it will not do.

    Its log says so as well: whoever reads why a point is only crash-consistent looks there.
    """
    if twin.kind != RunKind.BACKUP or twin.state not in ACTIVE_STATES or twin.request == run.request:
        return ()
    present, wish = from_json(BackupRequest, twin.request), from_json(BackupRequest, run.request)
    if twin.state == RunState.QUEUED and twin.attempt == 0:
        present = combined(present, wish)
        twin.request = to_json(present).decode()
    unmet = unmet_wishes(present, wish)
    if unmet:
        text = f"another request joined this run, and asked for something else: {'; '.join(unmet)}"
        line = {"run_id": twin.id, "at": run.requested_at, "warning": True, "text": text}
        session.execute(insert(RunLogRow).values(line))
    session.flush()
    return unmet
