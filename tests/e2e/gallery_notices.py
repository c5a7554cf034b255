"""Pages about what people choose to hear of, for somebody who has chosen already."""

from collections.abc import Iterator
from uuid import UUID

from pydantic import SecretStr

from app.domain.events import Event
from app.services.unsubscribing import address
from app.settings import Settings
from tests.e2e.gallery import NOBODY, View
from tests.live import Live

_CHOOSER = "engineer"
_WATCH_ALL = """
INSERT INTO case_follow (account_id, case_id, follow)
SELECT account.id, support_case.id, 'watch' FROM account, support_case WHERE account.email = %s
ON CONFLICT DO NOTHING
"""
_WISH_FOR_ALL = """
INSERT INTO subscription (id, account_id, event, organisation_id, way)
SELECT gen_random_uuid(), account.id, 'upload.released', organisation.id, 'off' FROM account, organisation
WHERE account.email = %s
ON CONFLICT DO NOTHING
"""


def notice_views(live: Live) -> Iterator[View]:
    """List every page about it, for somebody who may see it."""
    email = live.accounts[_CHOOSER]["email"]
    live.sql(_WATCH_ALL, email)
    live.sql(_WISH_FOR_ALL, email)
    ((account_id,),) = live.sql("SELECT id FROM account WHERE email = %s", email)
    ((case_id,),) = live.sql("SELECT case_id FROM case_follow LIMIT 1")
    yield View("account, wishes listed", _CHOOSER, "/account?saved=wishes")
    yield View("case, watched", _CHOOSER, f"/cases/{case_id}")
    yield View("unsubscribe", NOBODY, _link(live, account_id, Event.UPLOAD_CLEAN))
    yield View("unsubscribe from the daily mail", _CHOOSER, _link(live, account_id, Event.DIGEST))
    yield View("unsubscribe by a link that is wrong", NOBODY, "/unsubscribe/" + "A" * 40, 404)


def _link(live: Live, account_id: UUID, event: Event) -> str:
    key = SecretStr(live.application.environment["DIAGPORT_SECRET_KEY"])
    settings = Settings.model_construct(base_url="", secret_key=key, old_secret_keys=())
    return str(address(settings, account_id, event))
