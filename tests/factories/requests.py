"""A request that would succeed, for each rule of the portal and each of its methods."""

import re
from base64 import b64encode
from hashlib import sha256
from itertools import repeat
from typing import Any
from uuid import uuid4

from flask import Flask

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.services.intake import records
from app.system import System
from tests.factories.broken_jobs import broken_job
from tests.factories.bundles import make_tgz
from tests.factories.case_requests import case_body, case_target
from tests.factories.forms import encode_form
from tests.factories.inbox import inbox_target
from tests.factories.links import link_body, link_target
from tests.factories.people import make_token
from tests.factories.person_requests import person_target
from tests.factories.quarantine import REASON, make_infected, make_released
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload

TGZ = make_tgz({"etc/hostname": b"web-01\n"})
SAFE = {"GET", "HEAD", "OPTIONS"}


def rules(app: Flask) -> set[tuple[str, str]]:
    """Return (method, rule) of everything that the portal answers."""
    return {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()}


def make_target(system: System, owner: Actor, rule: str) -> object:
    """Return the id of an upload of the owner's on which everything that ``rule`` offers would work.

    For rules with other gaps: what fills them.
    """
    if (target := case_target(system, owner, rule, TGZ) or link_target(system, owner, rule)) is not None:
        return target
    if (about := person_target(owner, rule) or inbox_target(system, owner, rule)) is not None:
        return about
    if rule.startswith(("/tus", "/api/v1/direct")):
        door = "tus" if rule.startswith("/tus") else "direct"
        with system.work(owner) as uow:
            return records.start(uow, records.Announcement(door, "a.tgz", len(TGZ)), "filesystem").id
    if "<uuid:channel_id>" in rule:
        return make_channel(system).id
    if "<uuid:job_id>" in rule:
        return broken_job(system)
    if rule.endswith("/clean-members"):
        return make_infected(system, owner).id
    if "<uuid:token_id>" in rule:
        return make_token(system, owner)
    if rule == "/quarantine/<uuid:upload_id>/withdraw":
        return make_released(system, owner).id
    if "<uuid:upload_id>" not in rule:
        return uuid4()
    held = rule.startswith("/quarantine")
    return make_upload(system, owner, UploadState.UNSCANNABLE if held else UploadState.CLEAN).id


def request_for(method: str, rule: str, target: object) -> dict[str, Any]:
    """Return the arguments of a test client's ``open`` for one request about what `make_target` made."""
    path = rule.replace("<path:filename>", "css/diagport.css" if "static" in rule else "bundle.tgz")
    gaps = iter(target if isinstance(target, tuple) else repeat(target))
    path = re.sub(r"<[a-z_:]+>", lambda _: str(next(gaps)), path)
    request: dict[str, Any] = {"path": path, "method": method}
    if body := case_body(method, rule, target, TGZ) or link_body(method, rule):
        return request | body
    if rule.startswith("/tus"):
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(TGZ)), "Upload-Offset": "0"}
        headers["Upload-Metadata"] = "filename YnVuZGxlLnRneg=="
        headers |= {"X-HTTP-Method-Override": "PATCH"} if rule != "/tus" and method == "POST" else {}
        request["headers"] = headers
        if method == "PATCH" or "X-HTTP-Method-Override" in headers:
            request |= {"data": TGZ, "content_type": "application/offset+octet-stream"}
    elif rule.startswith("/api/v1/direct") and method == "POST":
        part = {"number": 1, "sha256": b64encode(sha256(TGZ).digest()).decode()}
        request["json"] = {"filename": "bundle.tgz", "size": len(TGZ), "parts": [part]}
    elif rule == "/upload" and method != "PUT":
        request["data"], request["content_type"] = encode_form(("diag", "bundle.tgz", TGZ))
    elif rule.startswith("/upload"):
        request |= {"data": TGZ, "content_type": "application/octet-stream"}
    elif rule.startswith("/quarantine") and method == "POST":
        request["data"] = {"reason": REASON}
    return request
