"""`flask audit`: proof that the trail is whole."""

import click

from app.cli.operator import work
from app.domain.errors import PortalError
from app.queries import audit_chain
from app.queries.audit_chain import Head
from app.services.audit_chain import Anchor, Broken
from app.services.audit_chain import verify as verified


@click.group("audit")
def group() -> None:
    """The trail of what everybody did, and the chain that proves it whole."""


@group.command("verify")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="POSITION:HASH",
    help="What `flask audit anchor` said once: nothing up to there may have changed since. Repeatable.",
)
def verify(anchors: tuple[str, ...]) -> None:
    """Compute every hash again; name the first row that is not as it was written, and exit with 1."""
    try:
        known = [Anchor.parse(anchor) for anchor in anchors]
        with work() as uow:
            found = verified(uow, known)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    if isinstance(found, Broken):
        click.echo(f"BROKEN {_place(found)}: {found.why}")
        raise SystemExit(1)
    click.echo(f"whole: {found.position:,} rows, {_line(found)}" if found else "whole: there are no rows yet")
    for anchor in known:
        click.echo(f"as it was at {anchor.position}: nothing up to there was changed or cut off")


@group.command("anchor")
def anchor() -> None:
    """Print position, hash and time of the chain's end. Keep it where no database admin can change it."""
    with work() as uow:
        head = audit_chain.head(uow.session)
    if head is None:
        raise click.ClickException("There are no rows yet.")
    click.echo(_line(head))


def _line(head: Head) -> str:
    at = f" {head.at.isoformat(timespec='seconds')}" if head.at else ""
    return f"{head.position} {head.hash.hex()}{at}"


def _place(broken: Broken) -> str:
    position = "" if broken.position is None else f"at position {broken.position}"
    event = "" if broken.event_id is None else f"event {broken.event_id}"
    return ", ".join(filter(None, (position, event))) or "trail"
