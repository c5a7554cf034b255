"""Addresses and command lines that let people send, ready to be pasted."""

import shlex


def ticket_url(base_url: str, code: str) -> str:
    """Return the address of a ticket's page."""
    return f"{base_url}/t/{code}"


def ticket_curl(base_url: str, case: str, code: str, file: str = "bundle.tgz") -> str:
    """Return the line that sends ``file`` with a ticket from a machine without a browser."""
    return f"curl -u {shlex.quote(f'{case}:{code}')} -T {shlex.quote(file)} {base_url}/upload/"


def activation_url(base_url: str, token: str) -> str:
    """Return the address at which somebody who was invited chooses how to sign in."""
    return f"{base_url}/activate/{token}"


def reset_url(base_url: str, token: str) -> str:
    """Return the address at which somebody chooses a new password."""
    return f"{base_url}/reset/{token}"
