"""People and organisations to look at on the pages of admins and managers, in every state that they have."""

from collections.abc import Iterator

from tests.e2e.gallery import MANAGER, View
from tests.live import Live

_LONG = "Person " + "with-a-name-that-has-no-end-" * 6
_MAKE_PEOPLE = """
INSERT INTO account (id, email, name, role, organisation_id, active, activated_at, signed_in_at)
SELECT gen_random_uuid(), person.email, person.name, 'customer', organisation.id, person.active,
  CASE WHEN person.come THEN now() END, CASE WHEN person.come THEN now() END
FROM organisation, (VALUES
  ('come@acme.example', 'Person Come', true, true),
  ('gone@acme.example', 'Person Gone', false, true),
  ('invited@acme.example', %s, true, false)
) AS person (email, name, active, come)
WHERE organisation.slug = 'acme'
ON CONFLICT DO NOTHING
"""
_MAKE_ORGANISATION = """
INSERT INTO organisation (id, slug, name, suspended_at, quota_bytes, quota_uploads, contacts)
VALUES (gen_random_uuid(), 'umbrella', %s, now(), 200000000000, 500, '["it@umbrella.example"]')
ON CONFLICT DO NOTHING
"""


def people_views(live: Live) -> Iterator[View]:
    """List every page about people and organisations, for somebody who may see it."""
    live.sql(_MAKE_PEOPLE, _LONG)
    live.sql(_MAKE_ORGANISATION, _LONG)
    person = {
        email.partition("@")[0]: account_id
        for account_id, email in live.sql("SELECT id, email FROM account WHERE email LIKE '%@acme.example'")
    }
    home = dict(live.sql("SELECT slug, id FROM organisation"))
    yield View("organisations", "admin", "/admin/organisations")
    yield View("organisations, nothing matches", "admin", "/admin/organisations?q=there+is+none")
    yield View("add an organisation", "admin", "/admin/organisations/new")
    yield View("organisation", "admin", f"/admin/organisations/{home['acme']}?done=changed")
    yield View("organisation, suspended", "admin", f"/admin/organisations/{home['umbrella']}")
    for act in ("suspend", "resume"):
        yield View(f"{act} an organisation", "admin", f"/admin/organisations/{home['acme']}/{act}")
    yield View("people", "admin", "/admin/people")
    yield View("people, nothing matches", "admin", "/admin/people?q=there+is+none")
    yield View("invite", "admin", "/admin/people/invite")
    yield View("invite many", "admin", "/admin/people/import")
    for state in ("come", "gone", "invited"):
        yield View(f"person, {state}", "admin", f"/admin/people/{person[state]}")
        yield View(f"colleague, {state}", MANAGER, f"/colleagues/{person[state]}")
    for act in ("suspend", "reset-factors"):
        yield View(f"{act} somebody", "admin", f"/admin/people/{person['come']}/{act}")
    yield View("another mail address", "admin", f"/admin/people/{person['come']}/mail-address")
    yield View("colleagues", MANAGER, "/colleagues")
    yield View("colleagues, nothing matches", MANAGER, "/colleagues?q=there+is+none")
    yield View("invite a colleague", MANAGER, "/colleagues/invite")
    yield View("suspend a colleague", MANAGER, f"/colleagues/{person['come']}/suspend")
    yield View("not for managers", MANAGER, f"/colleagues/{person['gone']}/resume", 403)
