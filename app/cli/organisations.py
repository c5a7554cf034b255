"""`flask organisations`: what they store and may store, from a shell."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.cli.operator import work
from app.domain.errors import InvalidInputError, PortalError
from app.domain.sizes import parse_size
from app.models import Organisation
from app.queries import organisations as found
from app.services import organisations

_NONE = "none"


Limit = int | str | None  # a limit; "none" for none; None where nothing was said


def _size(_context: click.Context, _option: click.Parameter, value: str | None) -> Limit:
    """Read an option. Raises BadParameter."""
    if value is None or value.lower() == _NONE:
        return value and _NONE
    try:
        return parse_size(value)
    except InvalidInputError as error:
        raise click.BadParameter("say 500GB, 2TB, a number of bytes, or none.") from error


def _number(_context: click.Context, _option: click.Parameter, value: str | None) -> Limit:
    """Read an option. Raises BadParameter."""
    if value is None or value.lower() == _NONE:
        return value and _NONE
    if not (value.isascii() and value.isdigit()):
        raise click.BadParameter("say a number, or none.")
    return int(value)


@click.group("organisations")
def group() -> None:
    """Organisations: what they store, and how much they may."""


@group.command("list")
def list_() -> None:
    """Show what each organisation stores, and its quota."""
    with _told(), work() as uow:
        for organisation in found.in_order(uow.session):
            click.echo(_line(organisation))


@group.command("quota")
@click.argument("slug")
@click.option("--bytes", "size", callback=_size, help="Most to be stored: 500GB, 2TB, or none for no limit.")
@click.option("--uploads", callback=_number, help="Most bundles, or none for no limit.")
def quota(slug: str, size: Limit, uploads: Limit) -> None:
    """Say how much organisation SLUG may store. What is not said stays as it is."""
    with _told(), work() as uow:
        now = found.by_slug(uow.session, slug)
        organisation = organisations.set_quota(
            uow,
            slug,
            size=_limit(size, now.quota_bytes),
            uploads=_limit(uploads, now.quota_uploads),
        )
        click.echo(_line(organisation))


@group.command("recount")
@click.argument("slug", required=False)
def recount(slug: str | None) -> None:
    """Compare the counters of organisation SLUG, or of all, with their uploads; put right what is wrong."""
    with _told():
        with work() as uow:
            every = [found.by_slug(uow.session, slug)] if slug else found.in_order(uow.session)
            ids = [organisation.id for organisation in every]
        for organisation_id in ids:
            with work() as uow:
                drift = organisations.recount(uow, organisation_id)
            if drift:
                click.echo(
                    f"{drift.slug}: counted {drift.counted[0]:,} bytes in {drift.counted[1]:,} uploads, "
                    f"are {drift.true[0]:,} in {drift.true[1]:,}: put right"
                )
        click.echo(f"{len(ids):,} counted.")


def _limit(said: Limit, now: int | None) -> int | None:
    if said is None:
        return now
    return None if isinstance(said, str) else said


def _line(organisation: Organisation) -> str:
    size = f"{organisation.used_bytes:,} of {_or_unlimited(organisation.quota_bytes)} bytes"
    uploads = f"{organisation.used_uploads:,} of {_or_unlimited(organisation.quota_uploads)} uploads"
    return f"{organisation.slug}: {size}, {uploads}"


def _or_unlimited(limit: int | None) -> str:
    return "unlimited" if limit is None else f"{limit:,}"


@contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong into a sentence."""
    try:
        yield
    except PortalError as error:
        raise click.ClickException(error.message) from error
