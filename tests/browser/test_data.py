"""Memory, tables, forms and documents in a real browser: editing in place, live changes, a preview, files."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.support.browser import Desk

COLUMNS = [
    {"name": "Customer", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "State", "type": "select", "options": ["open", "paid"]},
    {"name": "Twice", "type": "computed", "formula": "{{Amount}} * 2"},
]


async def invoices(desk: Desk) -> tuple[str, list[str]]:
    """A table with three rows."""
    table = await desk.server.api("POST", "/api/v1/tables", {"name": "Invoices", "columns": COLUMNS})
    rows = []
    for number, name in enumerate(("Ada", "Bob", "Cyd"), start=1):
        data = {"data": {"Customer": name, "Amount": number, "State": "open"}}
        rows.append((await desk.server.api("POST", f"/api/v1/tables/{table['id']}/rows", data))["id"])
    return table["id"], rows


async def stored(desk: Desk, table: str, row: str) -> dict[str, Any]:
    found = await desk.server.api("GET", f"/api/v1/tables/{table}/rows/{row}")
    return dict(found["data"])


async def test_cells_are_edited_with_nothing_but_the_keyboard(desk: Desk) -> None:
    table, rows = await invoices(desk)
    await desk.goto(f"/tables/{table}")
    page = desk.page

    def cell(row: int, key: str) -> Locator:
        return page.locator(f"#c-{rows[row]}-{key}")

    await page.get_by_role("button", name="Search").focus()
    while await page.evaluate("!document.activeElement.closest('[data-grid]')"):
        await page.keyboard.press("Tab")
    await expect(cell(0, "c1")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await page.keyboard.type(" L.")
    await page.keyboard.press("Tab")
    await expect(cell(0, "c2")).to_be_focused()
    await expect(cell(0, "c1")).to_have_text("Ada L.")
    await page.keyboard.type("21")
    await page.keyboard.press("Enter")
    await expect(cell(0, "c4")).to_have_text("42")
    await expect(cell(1, "c2")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("99")
    await page.keyboard.press("Escape")
    await expect(cell(1, "c2")).to_have_text("2")
    await expect(cell(1, "c2")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(cell(1, "c3")).to_have_text("paid")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Delete")
    await expect(cell(2, "c2")).to_have_text("")
    await expect(page.locator("[data-grid] [tabindex='0']")).to_have_count(1)
    assert await stored(desk, table, rows[0]) == {"Customer": "Ada L.", "Amount": 21, "State": "open", "Twice": 42}
    assert (await stored(desk, table, rows[1]))["State"] == "paid"
    assert (await stored(desk, table, rows[2]))["Amount"] is None
    await desk.axe()


async def test_a_value_that_does_not_fit_stays_with_its_reason(desk: Desk) -> None:
    table, rows = await invoices(desk)
    await desk.goto(f"/tables/{table}")
    amount = desk.page.locator(f"#c-{rows[0]}-c2")
    await amount.dblclick()
    desk.expect_errors(422)
    await amount.locator("input").fill("many")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.get_by_role("alert")).to_contain_text("takes a number")
    await expect(amount.locator("input")).to_have_value("many")
    await desk.page.keyboard.press("Escape")
    await expect(amount).to_have_text("1")
    await expect(desk.page.get_by_role("alert")).to_have_count(0)


async def test_other_peoples_changes_arrive_around_the_cell_that_is_edited(desk: Desk) -> None:
    table, rows = await invoices(desk)
    await desk.goto(f"/tables/{table}")
    mine, other = desk.page.locator(f"#c-{rows[0]}-c1"), desk.page.locator(f"#c-{rows[1]}-c1")
    await expect(desk.page.locator("html[data-connected]")).to_have_count(1)
    await mine.dblclick()
    await mine.locator("textarea").fill("Mine")
    await desk.server.api("PATCH", f"/api/v1/tables/{table}/rows/{rows[1]}", {"data": {"Customer": "Theirs"}})
    await desk.server.api("PATCH", f"/api/v1/tables/{table}/rows/{rows[0]}", {"data": {"Amount": 7}})
    await expect(mine.locator("textarea")).to_have_value("Mine")
    await desk.page.wait_for_timeout(600)  # longer than changes are held back to be told together
    await expect(mine.locator("textarea")).to_have_value("Mine")
    await desk.page.keyboard.press("Enter")
    await expect(mine).to_have_text("Mine")
    await expect(other).to_have_text("Theirs")
    assert (await stored(desk, table, rows[0]))["Amount"] == 7


async def test_a_filter_lands_in_the_address_and_an_import_tells_its_progress(desk: Desk) -> None:
    table, _ = await invoices(desk)
    page = desk.page
    await desk.goto(f"/tables/{table}")
    await page.locator("summary", has_text="Filter").click()
    await page.get_by_label("Column", exact=True).select_option("Customer")
    await page.get_by_label("Condition", exact=True).select_option("contains")
    await page.get_by_label("Value", exact=True).fill("b")
    await page.get_by_role("button", name="Add the condition").click()
    await expect(page.locator("[data-grid] tbody tr")).to_have_count(1)
    assert "filter=" in page.url
    await page.get_by_role("link", name="Import").click()
    content = b"Customer,Amount\n" + b"".join(b"Eve,%d\n" % number for number in range(500)) + b"Mallory,many\n"
    await page.get_by_label("CSV or Excel file").set_input_files(
        {"name": "more.csv", "mimeType": "text/csv", "buffer": content}
    )
    await page.get_by_role("button", name="Import").click()
    await expect(page.get_by_text("500 rows kept, 1 refused")).to_be_visible()
    await expect(page.get_by_role("cell", name=re.compile("takes a number"))).to_be_visible()
    await desk.axe()


async def test_a_form_is_built_beside_its_preview(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/forms/new")
    preview = page.frame_locator("iframe[name=preview]")
    await page.get_by_label("Heading").fill("Contact")
    await page.get_by_label("Address").fill(f"contact-{id(desk)}")
    await expect(preview.get_by_role("heading", name="Contact")).to_be_visible()
    await page.get_by_role("button", name="Add a question").click()
    third = page.locator("fieldset.question").nth(2)
    await third.get_by_label("Question", exact=False).first.fill("What is it about?")
    await third.get_by_label("Name of the answer").fill("topic")
    await third.get_by_label("Answered by").select_option("select")
    await third.get_by_label("Choices").fill("Sales\nSupport")
    await expect(preview.get_by_label("What is it about?")).to_be_visible()
    await third.get_by_role("button", name="Move question 3 up").click()
    await expect(page.locator("fieldset.question").nth(1).get_by_label("Name of the answer")).to_have_value("topic")
    await page.get_by_label("State").select_option("published")
    await desk.axe()
    await page.get_by_role("button", name="Create the form").click()
    await expect(page.get_by_role("heading", name="Contact", level=1)).to_be_visible()
    await page.get_by_role("link", name="Submissions").click()
    form = page.url.split("/forms/")[1].split("/")[0]
    answers = {"name": "Ada", "email": "ada@example.com", "topic": "Sales"}
    await expect(page.locator("html[data-connected]")).to_have_count(1)
    await desk.server.api("POST", f"/api/v1/forms/{form}/submit", {"data": answers})
    await expect(page.get_by_text("ada@example.com")).to_be_visible()


async def test_dropped_files_are_taken_and_a_refused_one_is_named(desk: Desk) -> None:
    await desk.goto("/documents")
    desk.expect_errors(422)
    await desk.page.evaluate(
        """() => {
            const dropped = new DataTransfer();
            dropped.items.add(new File(["Good words."], "good.txt", {type: "text/plain"}));
            dropped.items.add(new File(["PK\\u0003\\u0004 nothing"], "photo.zip"));
            const form = document.querySelector("form[data-drop]");
            form.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
        }"""
    )
    await expect(desk.page.get_by_role("alert")).to_contain_text("photo.zip")
    await expect(desk.page.get_by_role("link", name="good")).to_be_visible()


@pytest.mark.slow_model
async def test_files_are_read_while_one_looks_and_found_with_their_words_marked(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/documents")
    terms = b"# Warranty\n\nThe turbine has a warranty of two years."
    files: list[Any] = [
        {"name": "terms.md", "mimeType": "text/markdown", "buffer": terms},
        {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 and no more"},
    ]
    await page.locator("input[type=file]").set_input_files(files)
    await page.get_by_role("button", name="Upload").click()
    await expect(page.locator("#documents .badge.good")).to_have_text("ready", timeout=30_000)
    await expect(page.locator("#documents .badge.bad")).to_have_text("failed", timeout=30_000)
    await page.get_by_role("searchbox").fill("how long is the warranty")
    await page.keyboard.press("Enter")
    await expect(page.locator("mark").first).to_have_text("Warranty", timeout=90_000)  # a model is loaded first
    await page.get_by_role("heading", level=3).get_by_role("link").first.click()
    await expect(page.locator(".whole mark").first).to_be_visible()
    await desk.axe()


@pytest.mark.slow_model
async def test_a_memory_says_why_it_was_recalled(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/memory")
    await page.get_by_role("link", name="Add the first memory").click()
    await page.get_by_label("What to remember").fill("Acme renews its contract in March.")
    await page.get_by_role("button", name="Remember").click()
    await expect(page.get_by_text("Not recalled yet")).to_be_visible()
    await expect(page.locator("html[data-connected]")).to_have_count(1)
    await desk.server.api("POST", "/api/v1/memory/search", {"query": "When does Acme renew?"})
    await expect(page.get_by_text("Found by a search")).to_be_visible()
    await expect(page.get_by_text("Words: place 1")).to_be_visible()
    await page.get_by_role("button", name="Forget").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()
