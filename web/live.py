"""Parts of pages that renew themselves every two seconds, and cost nothing while nothing has changed."""

from __future__ import annotations

import hashlib

from flask import Response, make_response, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from web.request_context import is_live_request


def live_part(template: str, address: str, *, moves: bool = True, **context: object) -> Markup:
    """The part as it stands, in an element that asks `address` for the next one as long as it `moves`."""
    inner = Markup(render_template(template, **context))  # noqa: S704 - a template's own output
    digest = hashlib.sha256(inner.encode()).hexdigest()[:16]
    frame = render_template("live.html", inner=inner, address=address, digest=digest, moves=moves)
    return Markup(frame)  # noqa: S704 - the same


def live_answer(part: Markup) -> BaseResponse:
    """The part alone, or nothing where the page shows it already."""
    if is_live_request() and f"seen={request.args.get('seen', '')}" in part:
        return Response(status=204)
    return make_response(part)
