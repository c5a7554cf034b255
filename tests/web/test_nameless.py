"""Tools that have room for one fixed address: no name in it; and those that send a piece."""

import re
from typing import Any

import pytest

from app.system import System
from tests.factories.forms import encode_form
from tests.factories.requests import TGZ
from tests.web.callers import Caller
from tests.web.looks import document, problem, uploads


@pytest.mark.parametrize(("method", "path"), [("PUT", "/upload"), ("PUT", "/upload/"), ("POST", "/upload/")])
def test_a_body_without_a_name(customer: Caller, method: str, path: str) -> None:
    answer = customer.ask(method, f"{path}?case=cs-1", data=TGZ, content_type="application/tar+gzip")
    made = document(answer)
    assert re.fullmatch(r"bundle-[0-9a-f]{8}\.tgz", made["filename"])
    assert made["case"] == "CS-1"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=web-01.tgz", "web-01.tgz"),
        ('attachment; filename="/tmp/sos report.tgz"', "sos report.tgz"),
        ("attachment; filename*=UTF-8''h%C3%B6st.tgz", "höst.tgz"),
    ],
)
def test_a_body_that_names_itself(customer: Caller, disposition: str, name: str) -> None:
    headers = {"Content-Disposition": disposition}
    assert document(customer.ask("PUT", "/upload/", data=TGZ, headers=headers))["filename"] == name


@pytest.mark.parametrize("field", ["file", "diag", "upload"])
def test_a_form_with_any_field(customer: Caller, field: str) -> None:
    data, content_type = encode_form((field, "sosreport-web-01.tar.gz", TGZ))
    answer = customer.ask("POST", "/upload/?case=CS-2", data=data, content_type=content_type)
    made = document(answer)
    assert (made["filename"], made["case"]) == ("sosreport-web-01.tar.gz", "CS-2")


@pytest.mark.parametrize("request_", [{"path": "/upload/web-01.tgz"}, {"path": "/upload/"}])
def test_a_piece_is_no_bundle(customer: Caller, system: System, request_: dict[str, Any]) -> None:
    """RFC 9110 section 14.5: a range that is not understood as one must not become the whole."""
    size = len(TGZ)
    headers = {"Content-Range": f"bytes 0-{size - 1}/{2 * size}"}
    answer = customer.ask("PUT", data=TGZ, headers=headers, **request_)
    problem(answer, 400, "bad_request")
    assert "diagport.py" in answer.get_json()["detail"]
    assert not uploads(system)
