"""The commands that need no application: `python -m app.cli.dev run`."""

from app.cli.dev import dev

dev(prog_name="python -m app.cli.dev")
