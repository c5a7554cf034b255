"""`flask storage verify` and `flask storage tier`: whether storage is what rows say, and what it costs."""

import click

from app.cli.operator import system, work
from app.domain.errors import PortalError
from app.ports import HasTiers, Tier
from app.services import agreement


@click.command("verify")
def verify() -> None:
    """Compare every row with what is stored, both ways, and change nothing.

    Prints each disagreement, and ends with 1 if there is any. No byte of a bundle is read: the scheduler
    does that too, a few bundles at a time.
    """
    rows = wrong = strays = 0
    try:
        for _, disagreement in agreement.compared(work, system().adapters):
            rows += 1
            if disagreement:
                wrong += 1
                click.echo(str(disagreement))
        for storage in system().adapters.stores:
            for key in agreement.strays(work, storage):
                strays += 1
                click.echo(f"{key}: lies in {storage.name}, and no row has a use for it")
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{rows:,} rows compared: {wrong:,} disagree; {strays:,} stored without a use.")
    if wrong or strays:
        raise SystemExit(1)


@click.command("tier")
@click.option("--days", type=click.IntRange(min=1), help="Days after which a bundle moves.")
@click.option("--class", "storage_class", help="STANDARD_IA or GLACIER_IR.")
@click.option("--off", is_flag=True, help="Move no more. What has moved stays where it is.")
def tier(days: int | None, storage_class: str | None, *, off: bool) -> None:
    """Let S3 move bundles to a cheaper class some days after they came, or say what it does now.

    Only classes that are read at once. Other lifecycle rules of the bucket stay as they are. It takes
    GetLifecycleConfiguration and PutLifecycleConfiguration, which the portal itself does not have.
    """
    store = next((one for one in system().adapters.stores if isinstance(one, HasTiers)), None)
    if store is None:
        raise click.ClickException("Bundles lie in no S3 bucket here.")
    if bool(days) != bool(storage_class) or (off and days):
        raise click.UsageError("Say --days and --class, or --off.")
    try:
        if off:
            store.set_tier(None)
        elif days and storage_class:
            store.set_tier(Tier(days, storage_class))
        now = store.tier()
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(
        f"{store.place}: bundles move to {now.storage_class} after {now.days:,} days."
        if now
        else f"{store.place}: bundles stay in the class they came in."
    )
