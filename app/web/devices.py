"""What a browser says of itself, in words."""

from functools import lru_cache


@lru_cache(maxsize=1024)
def device(user_agent: str | None) -> str:
    """Return a User-Agent as people say it: "Firefox on Windows". Anybody can send any: believe none.

    A browser whose name nobody knows is "An unknown browser".
    """
    from ua_parser import parse  # here: 3 MB that only a list of sessions needs

    known = parse(user_agent or "")
    program = known.user_agent.family if known.user_agent else "An unknown browser"
    return f"{program} on {known.os.family}" if known.os else program
