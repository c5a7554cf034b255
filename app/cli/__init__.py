"""`flask ...`: what operators do from a shell."""

from flask import Flask

from app.cli import audit, dev, organisations, storage, users


def install(app: Flask) -> None:
    """Add the command groups."""
    app.cli.add_command(users.group)
    app.cli.add_command(organisations.group)
    app.cli.add_command(storage.group)
    app.cli.add_command(audit.group)
    app.cli.add_command(dev.dev)
