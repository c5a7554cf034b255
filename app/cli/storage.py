"""`flask storage`: where bundles lie, from a shell."""

from uuid import UUID

import click

from app.cli.operator import system, work
from app.cli.storage_state import tier, verify
from app.domain.errors import PortalError, StateConflictError
from app.ports import Storage
from app.services import moving
from app.services.moving import Bundle

_BATCH = 50


@click.group("storage")
def group() -> None:
    """Where bundles lie."""


group.add_command(verify)
group.add_command(tier)


@group.command("move")
@click.option("--to", "target", type=click.Choice(["filesystem", "s3"]), required=True)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many bundles.")
@click.option("--dry-run", is_flag=True, help="Only say what would be moved.")
def move(target: str, limit: int | None, *, dry_run: bool) -> None:
    """Move bundles that lie elsewhere to another storage, one by one, each read back and compared.

    Both storages must be set up. The portal goes on meanwhile. Stop it any time and run it again: what
    was not moved is where it was.
    """
    done = failed = 0
    after: UUID | None = None
    try:
        system().adapters.store(target)
        while bundles := _next(target, after, _left(limit, done + failed)):
            for bundle in bundles:
                after = bundle.upload_id
                moved = dry_run or _move(target, bundle)
                done, failed = done + moved, failed + (not moved)
                if moved:
                    click.echo(f"{'would move' if dry_run else 'moved'} {_line(bundle)}")
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(
        f"{done:,} bundles {'to move' if dry_run else 'moved'} to {target}, {failed:,} left where they are."
    )
    if failed:
        raise SystemExit(1)


def _left(limit: int | None, seen: int) -> int:
    return _BATCH if limit is None else min(_BATCH, limit - seen)


def _next(target: str, after: UUID | None, count: int) -> list[Bundle]:
    if count < 1:
        return []
    with work() as uow:
        return list(moving.elsewhere(uow, target, after, count))


def _move(target: str, bundle: Bundle) -> bool:
    """Move one bundle; whether it is moved.

    Raises:
        StorageFullError, DependencyError: go on later.
        StateConflictError: it is moved, and what it was copied from is still there.
    """
    adapters = system().adapters
    source = adapters.store(bundle.storage_name)
    with work() as uow:
        began = moving.now(uow)
    try:
        made = moving.copy(source, adapters.store(target), bundle, began)
    except moving.NotMovedError as error:
        click.echo(f"left {_line(bundle)}: {error.message}", err=True)
        return False
    try:
        with work() as uow:
            moving.repoint(uow, bundle, made)
    except moving.NotMovedError as error:
        adapters.store(target).delete(made.key)  # nobody else knows this name
        click.echo(f"left {_line(bundle)}: {error.message}", err=True)
        return False
    _delete(source, bundle)
    return True


def _delete(source: Storage, bundle: Bundle) -> None:
    """Delete what was copied, or say that it could not be.

    Going on would leave two of everything, and more without a row than the sweeper believes.
    """
    if source.delete(bundle.key):
        return
    raise StateConflictError(
        f"Moved {_line(bundle)}, but what it was copied from could not be deleted. "
        "Run this where the worker runs, with what the worker may do; the scheduler deletes the rest."
    )


def _line(bundle: Bundle) -> str:
    return f"{bundle.upload_id} {bundle.filename} ({bundle.size:,} bytes, {bundle.storage_name})"
