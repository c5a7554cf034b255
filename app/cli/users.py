"""`flask users`: people, from a shell."""

import click
from flask import current_app

from app.domain.errors import PortalError
from app.domain.policy import Role
from app.services import accounts, tokens
from app.system import System


@click.group("users")
def group() -> None:
    """People and their tokens."""


@group.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--organisation", help="Short name; needed for a customer, made if there is none.")
@click.option("--name", help="As others see it; the mail address up to the @ by default.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.option("--token", "with_token", is_flag=True, help="Also make an API token and print it.")
def create(
    email: str, role: str, organisation: str | None, name: str | None, password: str, *, with_token: bool
) -> None:
    """Create an account for EMAIL."""
    system: System = current_app.extensions["diagport"]
    try:
        with system.work() as uow:
            home = accounts.ensure_organisation(uow, organisation) if organisation else None
            account = accounts.create(
                uow, email=email, role=Role(role), password=password, name=name, organisation=home
            )
            token = tokens.issue(uow, account, "from the command line") if with_token else None
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"Created {role} {email}.")
    if token:
        click.echo(token)
