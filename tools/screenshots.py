"""`python -m tools.screenshots`: photographs the dashboard's main pages, with demo data, into docs/screenshots."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright

from interlock.runtime import migrations
from interlock.runtime.settings import Settings
from interlock.sandbox import serve
from tests.support.browser import ARGUMENTS, Desk, Theme, chromium, open_context, session_cookie
from tests.support.places import serving_browsers
from tests.support.showcase import Showcase, furnish

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
DESKTOP, PHONE = 1280, 390
LARGEST = 250_000


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture.

    Args:
        path: of the page; names in braces are ids of the demo data.
    """

    name: str
    path: str
    width: int = DESKTOP
    theme: Theme = "light"


SHOTS = (
    Shot("home", "/"),
    Shot("home-dark", "/", theme="dark"),
    Shot("home-phone", "/", width=PHONE),
    Shot("chat", "/chat/{conversation_id}"),
    Shot("agent", "/agents/{agent_id}"),
    Shot("run", "/runs/{run_id}"),
    Shot("run-dark", "/runs/{run_id}", theme="dark"),
    Shot("approval", "/approvals/{approval_id}"),
    Shot("workflow", "/workflows/{workflow_id}"),
    Shot("schedules", "/schedules"),
    Shot("memory", "/memory"),
    Shot("table", "/tables/{table_id}"),
    Shot("form", "/forms/{form_id}"),
    Shot("policies", "/policies"),
    Shot("audit", "/audit"),
    Shot("costs", "/costs"),
    Shot("settings", "/settings/integrations"),
)


async def photograph(folder: Path) -> int:
    """Start a server, fill it, take every picture; returns how many are larger than they may be."""
    with tempfile.TemporaryDirectory(prefix="interlock-screenshots-") as name:
        scratch = Path(name)
        template = scratch / "schema"
        template.mkdir()
        migrations.upgrade(Settings(data_dir=template, database_url=None))
        async with (
            serving_browsers(scratch, template / "interlock.db") as server,
            serve() as sandbox,
            async_playwright() as playwright,
        ):
            place = await server.found("Northwind")
            showcase = await furnish(place, sandbox)
            browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
            async with browser, await open_context(browser) as context:
                await context.add_cookies([session_cookie(server.base_url, place.owner)])
                desk = Desk(context, await context.new_page(), place)
                return sum([not await _take(desk, shot, showcase, folder) for shot in SHOTS])


async def _take(desk: Desk, shot: Shot, showcase: Showcase, folder: Path) -> bool:
    await desk.at(shot.width, shot.theme)
    await desk.goto(showcase.fill(shot.path))
    await desk.connected_if_live()
    file = folder / f"{shot.name}.png"
    await desk.page.screenshot(path=file)
    size = file.stat().st_size
    verdict = "" if size <= LARGEST else f"  larger than {LARGEST:,}"
    print(f"{file.name:28} {size:9,} bytes{verdict}")
    return size <= LARGEST


def main() -> int:
    """Take the pictures; the exit code tells whether all are there and small enough."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return 1 if asyncio.run(photograph(FOLDER)) else 0


if __name__ == "__main__":
    sys.exit(main())
