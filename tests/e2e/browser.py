"""A person at a browser: contexts that sign in through the page, and fail on whatever went wrong in it."""

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect

from tests.live import Live

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: The browser itself called a request off: the page was left, or somebody pressed Pause.
CALLED_OFF = "net::ERR_ABORTED"

# Violations are told to whoever listens, with the element, before any script of the page runs.
_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Watch:
    """What went wrong in the pages of one context: console errors, exceptions, requests that failed."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        # The bell asks by itself, whenever it likes: also while a test stops services, or signs people out.
        self._tolerated: list[re.Pattern[str]] = [re.compile(r"/notices/unread\b")]
        context.add_init_script(_WATCH_POLICY)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"exception: {error.error}"))
        context.on("requestfailed", self._request_failed)
        context.on("response", self._response)

    def tolerate(self, *patterns: str) -> None:
        """Expect problems that match; a test says so before it makes them."""
        self._tolerated += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """Return every problem that was not expected."""
        return [
            problem
            for problem in self.problems
            if not any(pattern.search(problem) for pattern in self._tolerated)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _request_failed(self, request: Request) -> None:
        if request.failure != CALLED_OFF:
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"answer {response.status}: {response.request.method} {response.url}")


class People:
    """Opens browsers for the people of one portal."""

    def __init__(self, browser: Browser, live: Live) -> None:
        self._browser = browser
        self._live = live
        self._watches: dict[BrowserContext, Watch] = {}

    def anybody(self, live: Live | None = None, **options: Any) -> Page:
        """Open a page of a fresh browser where nobody has signed in; ``options`` of its context."""
        context = self._browser.new_context(**{"base_url": (live or self._live).url, **options})
        context.set_default_timeout(30_000)
        context.set_default_navigation_timeout(30_000)
        self._watches[context] = Watch(context)
        return context.new_page()

    def sign_in(self, who: str, live: Live | None = None, **options: Any) -> Page:
        """Open a fresh browser and sign ``who`` in through the page; end on the first page."""
        page = self.anybody(live, **options)
        page.goto("/sign-in")
        self.fill_in(page, who, live)
        expect(page).to_have_url(re.compile(r":\d+/$"))
        return page

    def fill_in(self, page: Page, who: str, live: Live | None = None) -> None:
        """Fill in and send the sign-in form that the page shows."""
        account = (live or self._live).accounts[who]
        page.get_by_label("Mail address").fill(account["email"])
        page.get_by_label("Password").fill(account["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()

    def tolerate(self, page: Page, *patterns: str) -> None:
        """Expect problems in this page's browser."""
        self._watches[page.context].tolerate(*patterns)

    def problems(self) -> list[str]:
        """Return what went wrong so far in anybody's browser, and was not expected."""
        return [problem for watch in self._watches.values() for problem in watch.unexpected()]

    def close(self) -> None:
        for context in self._watches:
            context.close()
