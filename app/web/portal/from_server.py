"""Sending from a machine without a browser: lines to paste, and the client that the portal serves."""

import json
from pathlib import Path

from flask import Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.web.access import public
from app.web.context import system
from app.web.portal.blueprint import blueprint
from app.web.portal.paste_lines import paste_lines

_BLANK = 'PORTAL = ""'  # in the client, where this portal's address goes
_SEAM = 'if __name__ == "__main__":\n'  # in the client, where its way straight to S3 goes
_ELSEWHERE = "from diagport import "  # in that: a line that one file does not need


@blueprint.get("/diagport.py")
@public
def client() -> ResponseReturnValue:
    """Serve the client, which knows this portal's address. Nothing in it is secret."""
    response = Response(_client(), content_type="text/x-python; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=diagport.py"
    response.headers["Cache-Control"] = "public, no-cache"  # kept, and asked for again each time
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/send-from-a-server")
@public
def from_server() -> ResponseReturnValue:
    """Show lines to paste. Nothing in them is secret, and who has a ticket has no account."""
    url = system().settings.base_url
    return render_template("portal/from_server.html", url=url, lines=paste_lines(url, _client()))


def _client() -> bytes:
    """Return the client. We keep it in two files because of their length; people fetch and carry one."""
    folder = Path(current_app.static_folder or "", "client")
    source = folder.joinpath("diagport.py").read_text(encoding="utf-8")
    direct = folder.joinpath("direct.py").read_text(encoding="utf-8")
    kept = [line for line in direct.splitlines(keepends=True) if not line.startswith(_ELSEWHERE)]
    whole = source.replace(_SEAM, "".join([*kept, "\n\n", _SEAM]))
    return whole.replace(_BLANK, f"PORTAL = {json.dumps(system().settings.base_url)}").encode()
