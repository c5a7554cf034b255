"""What is left of a deleted bundle: its receipt of deletion, and nothing that says what it was. T15."""

import json

import pytest
from flask import Flask
from sqlalchemy import text

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.system import System
from tests.factories.keeping import WHY
from tests.factories.mailbox import spread_all
from tests.factories.quarantine import VIRUS, make_infected
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import only_upload, uploads

NAME, NOTE = "zebra-db-01.tgz", "Quagga crashed at noon."


def withdrawn(customer: Caller, _engineer: Caller, upload: Upload) -> None:
    assert customer.ask("DELETE", f"/api/v1/uploads/{upload.id}").status_code == 204


def deleted(_customer: Caller, engineer: Caller, upload: Upload) -> None:
    body = {"reason": WHY}
    assert engineer.ask("DELETE", f"/api/v1/uploads/{upload.id}", json=body).status_code == 204


WAYS = pytest.mark.parametrize("end", [withdrawn, deleted])


def make(system: System, customer: Caller) -> Upload:
    """Make an infected bundle with all that a row can say of one."""
    upload = make_infected(system, customer.actor, NAME)
    with system.work() as uow:
        row = uow.session.get_one(Upload, upload.id)
        row.note, row.idempotency_key, row.echoed = NOTE, "quagga-1", {"Upload-Metadata": "quagga"}
        row.declared_sha256 = row.sha256
    spread_all(system)
    return upload


def everything_in(system: System) -> str:
    """Return what stands in every table."""
    with system.work() as uow:
        names = uow.session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'audit_chain'")
        ).all()
        rows = [
            row
            for name in names
            for row in uow.session.scalars(text(f'SELECT to_jsonb(t) FROM "{name}" t'))  # noqa: S608
        ]
    return json.dumps(rows)


@WAYS
def test_nothing_says_what_it_was(end: object, customer: Caller, engineer: Caller, system: System) -> None:
    assert callable(end)
    upload = make(system, customer)
    before = everything_in(system)
    assert all(word in before for word in (NAME, "Quagga", "quagga", VIRUS))
    end(customer, engineer, upload)
    spread_all(system)
    after = everything_in(system)
    assert [word for word in ("zebra", "Quagga", "quagga", VIRUS) if word in after] == []
    gone = only_upload(system)
    assert (gone.state, gone.sha256, gone.size) == (UploadState.DELETED, upload.sha256, upload.size)
    assert gone.deleted_at
    assert gone.scan is None
    assert engineer.get("/api/v1/uploads?q=zebra").get_json()["items"] == []


def test_its_sender_keeps_a_receipt_of_the_deletion(
    browser: Browser, customer: Caller, engineer: Caller, system: System
) -> None:
    upload = make(system, customer)
    deleted(customer, engineer, upload)
    document = customer.get(f"/api/v1/uploads/{upload.id}").get_json()
    assert document["filename"] is None
    assert document["scan"] is None
    assert document["deleted"] == {
        "at": only_upload(system).deleted_at.isoformat(),  # type: ignore[union-attr]
        "by": "Support",
        "reason": f"Deleted by support: {WHY}",
    }
    receipt = customer.get(f"/api/v1/uploads/{upload.id}/receipt").get_json()
    assert (receipt["filename"], receipt["sha256"]) == (None, upload.sha256)
    assert (receipt["deleted_by"], receipt["checksum_line"]) == ("Support", None)
    staffs = engineer.get(f"/api/v1/uploads/{upload.id}").get_json()
    assert staffs["deleted"]["by"] == engineer.account.email
    browser.sign_in(customer.account.email)
    for page in (f"/files/{upload.id}", f"/files/{upload.id}/receipt", "/files"):
        shown = browser.get(page).text
        assert "Deleted" in shown
        assert "zebra" not in shown
        assert engineer.account.email not in shown
    assert WHY in browser.get(f"/files/{upload.id}/receipt").text


def test_its_page_says_once_who_deleted_it_and_leaves_nothing_to_do(
    app: Flask, customer: Caller, engineer: Caller, system: System
) -> None:
    uploads_of = [make(system, customer), make_upload(system, customer.actor, UploadState.CLEAN)]
    deleted(customer, engineer, uploads_of[0])
    withdrawn(customer, engineer, uploads_of[1])
    for reader in (customer, engineer):
        seen = Browser(app)
        seen.sign_in(reader.account.email)
        for upload, why in zip(uploads_of, (WHY, "It was withdrawn."), strict=True):
            page, receipt = (seen.get(f"/files/{upload.id}{more}").text for more in ("", "/receipt"))
            for shown in (page.partition('id="history-title"')[0], receipt):
                assert f'<span class="note">{why}</span>' in shown
                assert "Deleted by support" not in shown
                assert "Withdrawn by" not in shown
            for left in (
                "Whose work",
                "has opened it yet",
                "Change the case",
                "Put it into a case",
                "Keep it longer",
            ):
                assert left not in page


def test_who_withdraws_is_named_to_themselves(browser: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(customer.account.email)
    browser.post(f"/files/{upload.id}/withdraw")
    assert only_upload(system).deleted_by == customer.account.email
    receipt = customer.get(f"/api/v1/uploads/{upload.id}/receipt").get_json()
    assert receipt["deleted_by"] == customer.account.email


def test_a_key_that_was_used_for_it_is_free_again(customer: Caller, system: System) -> None:
    headers = {"Idempotency-Key": "once"}
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    with system.work() as uow:
        uow.session.get_one(Upload, upload.id).idempotency_key = "once"
    withdrawn(customer, customer, upload)
    with system.adapters.storage.open_incoming(make_upload(system, customer.actor).storage_key) as file:
        content = file.read()
    assert customer.put(content, headers=headers).status_code == 201
    assert len(uploads(system)) == 3
