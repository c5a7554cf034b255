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
    source = Path(current_app.static_folder or "", "client", "diagport.py").read_text(encoding="utf-8")
    return source.replace(_BLANK, f"PORTAL = {json.dumps(system().settings.base_url)}").encode()
