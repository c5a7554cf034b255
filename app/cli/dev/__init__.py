"""The local stack: `python -m app.cli.dev ...`, and `flask dev ...` where the application is needed.

What a command needs is imported when it runs, because production does not install it.
"""

from pathlib import Path

import click
from flask.cli import with_appcontext

ROOT = Path(__file__).resolve().parents[3]  # the repository
LOCAL = ROOT / ".local"


@click.group("dev", help="The local stack.")
def dev() -> None:
    """Hold the commands together."""


@dev.command("run")
@click.option("--port", default=8000, show_default=True, help="Where the portal listens, on 127.0.0.1.")
@click.option("--directory", default=LOCAL, type=click.Path(path_type=Path), help="Where data and logs go.")
def run_command(port: int, directory: Path) -> None:
    """Run the whole stack until it is interrupted."""
    from app.cli.dev.supervisor import Supervisor

    raise SystemExit(Supervisor(directory.resolve(), port).run())


@dev.command("stop")
@click.option("--directory", default=LOCAL, type=click.Path(path_type=Path))
def stop_command(directory: Path) -> None:
    """Stop the running stack and wait until it has gone."""
    from app.cli.dev.lock import stop

    click.echo("Stopped." if stop(directory) else "Nothing is running.")


@dev.command("demo")
@click.option("--file", "path", required=True, type=click.Path(path_type=Path))
@click.option("--url", required=True)
@click.option("--mail", required=True)
@with_appcontext
def demo_command(path: Path, url: str, mail: str) -> None:
    """Create the demo accounts and write them to a file that only its owner may read."""
    from app.cli.dev.demo import install_demo

    install_demo(path, url, mail)


@dev.command("faults")
def faults_command() -> None:
    """Run the fault suite and say how many faults were survived."""
    from app.cli.dev.faults import run_faults

    raise SystemExit(run_faults())
