"""Diagport: the portal through which diagnostics bundles reach a support team."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.db import Database
    from app.ports import Adapters
    from app.settings import Settings


def create_app(
    settings: "Settings | None" = None,
    *,
    adapters: "Adapters | None" = None,
    database: "Database | None" = None,
) -> "Flask":
    """Build the web application. Without arguments everything comes from the environment.

    Raises:
        pydantic.ValidationError: a setting is missing or unsafe.
        RuntimeError: a view declares no permission.
    """
    # Imported here so that `import app` opens nothing and pulls in no framework.
    from flask import Flask

    from app import bootstrap, cli, web
    from app.system import System

    settings = settings or bootstrap.settings()
    system = System(
        settings=settings,
        adapters=adapters or bootstrap.adapters(settings),
        database=database or bootstrap.database(settings),
    )
    app = Flask("app", root_path=str(bootstrap.ROOT), instance_relative_config=False)
    web.install(app, system)
    cli.install(app)
    return app
