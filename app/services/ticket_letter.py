"""The words of the mail that brings a ticket to somebody without an account."""

from typing import Any

from app.domain.ways_in import ticket_curl, ticket_url


def words(told: dict[str, Any], base_url: str) -> tuple[str, list[str]]:
    """Return subject and lines; ``told`` is what `services.tickets` wrote down, the code included."""
    case, code, uploads = told["case"], told["code"], told["uploads"]
    most = f", {told['bytes']:,} bytes in all" if told["bytes"] else ""
    return f"[{case}] Send us a diagnostics bundle", [
        f"Support asks you for a diagnostics bundle for case {case} of {told['organisation']}.",
        "You need no account. Open this page, and choose the file:",
        "",
        ticket_url(base_url, code),
        "",
        "From a machine without a browser:",
        "",
        ticket_curl(base_url, case, code),
        "",
        f"Ticket:        {code}",
        f"Good for:      {uploads} upload{'' if uploads == 1 else 's'}{most}",
        f"Good until:    {told['until']}",
        *(["Only from:     the network addresses that support was told of"] if told["narrowed"] else []),
        "",
        "Whoever has this ticket can send bundles for this case, and see what became of those.",
        "It opens nothing else. Pass it on only to whom you want to do that.",
        "",
    ]
