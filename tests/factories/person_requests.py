"""Requests about people and organisations; see `tests.factories.requests`."""

from app.domain.policy import Actor


def person_target(owner: Actor, rule: str) -> object | None:
    """Return what fills the gaps of a rule about somebody, or an organisation; None for any other rule."""
    if "<uuid:organisation_id>" in rule:
        return (owner.organisation_id, "suspend")
    if rule.startswith(("/admin/people/<", "/colleagues/<")):
        return (owner.id, "suspend")
    return None
