"""`flask users`: people, from a shell."""

import click

from app.cli.operator import work
from app.domain.errors import PortalError
from app.domain.policy import Role
from app.services import accounts, tokens


@click.group("users")
def group() -> None:
    """People and their tokens."""


@group.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--organisation", help="Short name; needed for a customer, made if there is none.")
@click.option("--name", help="As others see it; the mail address up to the @ by default.")
@click.option("--password", help="Asked for if it is not given.")
@click.option("--invite", is_flag=True, help="Without a password: mail a link by which they choose one.")
@click.option("--token", "with_token", is_flag=True, help="Also make an API token and print it.")
def create(
    email: str,
    role: str,
    organisation: str | None,
    name: str | None,
    password: str | None,
    *,
    invite: bool,
    with_token: bool,
) -> None:
    """Create an account for EMAIL."""
    if invite and (password is not None or with_token):
        raise click.UsageError("--invite goes without --password and --token.")
    if password is None and not invite:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with work() as uow:
            home = accounts.ensure_organisation(uow, organisation) if organisation else None
            token = None
            if password is None:
                accounts.invite(uow, email=email, name=name, role=Role(role), organisation=home)
            else:
                account = accounts.create(
                    uow, email=email, name=name, role=Role(role), password=password, organisation=home
                )
                token = tokens.issue(uow, account, "from the command line") if with_token else None
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{'Invited' if invite else 'Created'} {role} {email}.")
    if token:
        click.echo(token)
