"""The inbox: what is told, read, dismissed, and seen by whom."""

from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server


async def tell(server: Server, title: str, **more: object) -> str:
    async with (await server.ctx()).begin() as ctx:
        key = await notify(ctx, NewNotification(kind=NotificationKind.SYSTEM, title=title, **more))  # type: ignore[arg-type]
    return str(key)


async def test_an_empty_inbox_says_what_will_come(owner: Person) -> None:
    page = await owner.get("/inbox")
    assert page.status_code == 200
    assert "No news" in page.text
    assert "/settings/workspace" in page.text


async def test_news_is_listed_filtered_read_and_dismissed(server: Server, owner: Person) -> None:
    first = await tell(server, "Disk <full>", level=NotificationLevel.ERROR, subject_kind="run", subject_id="run_x")
    second = await tell(server, "All is well")
    page = await owner.get("/inbox")
    assert "Disk &lt;full&gt;" in page.text
    assert 'href="/runs/run_x"' in page.text
    assert "All is well" not in (await owner.get("/inbox/list?level=error", htmx=True)).text
    read = await owner.post("/inbox/read", {"item_id": first, "back": "?unread=true&"})
    assert (read.status_code, read.headers["location"]) == (303, "/inbox?unread=true&")
    unread = (await owner.get("/inbox/list?unread=true", htmx=True)).text
    assert "Disk" not in unread
    assert "All is well" in unread
    assert (await owner.post(f"/inbox/{second}/dismiss", {"back": "//elsewhere.example"})).headers[
        "location"
    ] == "/inbox"
    assert "All is well" not in (await owner.get("/inbox")).text
    assert (await owner.post("/inbox/read", {"before": "2999-01-01T00:00:00Z"})).status_code == 303


async def test_what_is_not_ours_or_not_from_here_is_refused(server: Server, owner: Person) -> None:
    key = await tell(server, "Ours")
    stranger = await signed_in(server, email="else@example.com", key=await server.another_workspace())
    assert (await stranger.post(f"/inbox/{key}/dismiss")).status_code == 404
    assert "Ours" not in (await stranger.get("/inbox")).text
    assert (await owner.post(f"/inbox/{key}/dismiss", csrf="wrong")).status_code == 403
    assert (await owner.get("/inbox?level=loud")).status_code == 422
