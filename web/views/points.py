"""Recovery points by their id, for links from runs and from colleagues."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from appliance.model.identifiers import RecoveryPointId
from web.request_context import audit, notify, services

blueprint = Blueprint("points", __name__, url_prefix="/points")


@blueprint.get("/<point_id>")
def show(point_id: str) -> Response:
    """The point on its machine's page."""
    point = services().points.find(RecoveryPointId(point_id)).point
    address = url_for(
        "machines.show", key=point.machine.key, day=f"{point.created_at:%Y-%m-%d}", point=point.id
    )
    return redirect(address, code=303)


@blueprint.post("/<point_id>/verifications")
def verify(point_id: str) -> Response:
    """Queue a run that reads every block of the point, and show it."""
    requested = services().points.request_verification(RecoveryPointId(point_id))
    audit("request verification", f"{point_id} {requested.run.id}")
    notify("The verification is queued.")
    return redirect(url_for("runs.show", run_id=requested.run.id), code=303)
