"""What a browser complains about while a test drives it."""

import re
from dataclasses import dataclass

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

# A navigation cancels what is under way; that is no failure.
_CANCELLED = "net::ERR_ABORTED"
_ICON = "/favicon.ico"
_NETWORK = re.compile(r"net::ERR_|Failed to fetch|NetworkError|network error", re.IGNORECASE)


@dataclass(frozen=True)
class Complaint:
    """One thing that went wrong in the browser."""

    kind: str
    words: str
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


class Watch:
    """Hears every page of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self.network_is_bad = False
        self._heard: list[Complaint] = []
        self._expected: list[int | str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    def expect(self, *what: int | str) -> None:
        """Announce statuses, or words, that are to come."""
        self._expected.extend(what)

    def forget(self) -> None:
        """Begin anew."""
        self.network_is_bad = False
        self._heard.clear()
        self._expected.clear()

    async def settle(self, page: Page) -> None:
        """Wait until all that the page has said so far is here."""
        if not page.is_closed():
            await page.evaluate("0")

    def complaints(self) -> list[str]:
        """What nobody announced, and what was announced and did not come."""
        unannounced = [str(one) for one in self._heard if not any(_fits(it, one) for it in self._expected)]
        missing = [it for it in self._expected if not any(_fits(it, one) for one in self._heard)]
        return unannounced + [f"announced by expect_errors, but it did not come: {it}" for it in missing]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location
            where = f"{place.get('url', '')}:{place.get('lineNumber', '')}"
            self._hear(Complaint("console", f"{message.text} ({where})"))

    def _error(self, error: WebError) -> None:
        self._hear(Complaint("page", str(error.error)))

    def _response(self, answer: Response) -> None:
        if answer.status >= 400:
            words = f"{answer.request.method} {answer.url}: {answer.status}"
            self._hear(Complaint("request", words, answer.status))

    def _failed(self, request: Request) -> None:
        why = request.failure or ""
        if why != _CANCELLED:
            self._hear(Complaint("request", f"{request.method} {request.url}: {why}"))

    def _hear(self, complaint: Complaint) -> None:
        # A browser asks for an icon by itself where a page names none, as a reply that is not a page does.
        if _ICON in complaint.words or (self.network_is_bad and _NETWORK.search(complaint.words)):
            return
        self._heard.append(complaint)


def _fits(expected: int | str, complaint: Complaint) -> bool:
    """Scripts and the console repeat the status of a failed request in their own words."""
    if isinstance(expected, str):
        return expected in complaint.words
    if complaint.status is not None:
        return complaint.status == expected
    return complaint.kind != "request" and re.search(rf"\b{expected}\b", complaint.words) is not None
