"""Home: what needs the person, and what to say when nothing does."""

from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from tests.faces.dashboard.conftest import Person


async def _tell(owner: Person, kind: NotificationKind, title: str) -> None:
    async with (await owner.server.ctx(owner.session)).begin() as ctx:
        await notify(ctx, NewNotification(kind=kind, title=title, level=NotificationLevel.WARNING))


async def test_when_nothing_needs_the_person_the_page_says_what_would(owner: Person) -> None:
    assert "Nothing waits for you" in (await owner.get("/_home/waiting")).text


async def test_news_of_what_has_a_list_of_its_own_does_not_empty_the_page(owner: Person) -> None:
    await _tell(owner, NotificationKind.APPROVAL_REQUESTED, "Approval needed")
    page = (await owner.get("/_home/waiting")).text
    assert "Approval needed" not in page
    assert "Nothing waits for you" in page


async def test_a_budget_alert_needs_the_person(owner: Person) -> None:
    await _tell(owner, NotificationKind.BUDGET_ALERT, "80 % of the month is spent")
    page = (await owner.get("/_home/waiting")).text
    assert "80 % of the month is spent" in page
    assert "Nothing waits for you" not in page
