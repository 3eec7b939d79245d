"""Costs: what was spent today, yesterday and this month, by day and by whatever spent it, against caps."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any

from starlette.responses import Response

from interlock.domains.analytics import service as analytics
from interlock.domains.analytics.service import CostsOf
from interlock.domains.analytics.views import CostReport, CostRow
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import AlertChannel, Amount, Budget
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import attachment, go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Nothing

_LISTS = {
    "agent": "By agent",
    "workflow": "By workflow",
    "model": "By model",
    "provider": "By provider",
    "caller": "By caller",
    "tool": "By tool",
    "kind": "By kind",
}
_LINKS = {"agent": "/agents/", "workflow": "/workflows/"}
_CAPS = ("monthly_cap", "daily_cap", "per_run_cap")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def index(visit: Visit) -> Response:
    """The whole page."""
    return html(visit, "costs/index.html", **await _shown(visit))


async def part(visit: Visit) -> Response:
    """All numbers by themselves, when something was spent."""
    return html(visit, "costs/_report.html", **await _shown(visit))


async def export(visit: Visit) -> Response:
    """The days, or one of the lists, as a file for spreadsheets."""
    by = visit.query.get("by", "day")
    report = await _report(visit, top=100)
    rows: list[tuple[Any, ...]]
    if by in _LISTS:
        rows = [(by, "kind", "id", *_AMOUNT, "included_of_others_usd")]
        rows += [(row.label, row.kind, row.key, *_cells(row.amount), row.included) for row in _rows(report, by)]
    else:
        by, rows = "day", [("day_utc", *_AMOUNT)]
        rows += [(spend.day.isoformat(), *_cells(spend.amount)) for spend in report.days]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    name = f"costs-by-{by}-{report.since}-{report.until}.csv"
    return attachment(name, buffer.getvalue(), "text/csv; charset=utf-8")


async def budget(visit: Visit) -> Response:
    """The caps and alerts as a form."""
    return await _budget(visit, None, None, 200)


async def save_budget(visit: Visit) -> Response:
    """Set the caps and alerts."""
    form, lists = await visit.form(), await visit.form_lists()
    values: dict[str, Any] = {name: form.get(name) or None for name in _CAPS}
    channels = lists.get("channels", [])
    percents = form.get("alerts", "").replace(",", " ").split()
    values["alerts"] = [{"threshold_percent": percent.rstrip("%"), "channels": channels} for percent in percents]
    try:
        await visit.call(budgets.update, visit.command(budgets.UpdateBudget, values))
    except InterlockError as error:
        if error.kind is not Kind.INVALID:
            raise
        return await _budget(visit, problems_of(error), {**form, "channels": channels}, STATUS[error.kind])
    return go(visit, "/costs", said="The budget is set.")


_AMOUNT = ("cost_usd", "calls", "calls_of_unknown_price", "input_tokens", "output_tokens", "cached_tokens")


def _cells(amount: Amount) -> tuple[Any, ...]:
    return tuple(getattr(amount, name) for name in Amount.model_fields)


def _cell(value: Any) -> str:
    """Text for one cell; what a spreadsheet would run as a formula is quoted with an apostrophe."""
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


async def _report(visit: Visit, top: int) -> CostReport:
    query = visit.query
    values: dict[str, Any] = {name: query[name] for name in ("since", "until") if name in query}
    return await visit.call(analytics.report, visit.command(CostsOf, {**values, "top": top}))


async def _shown(visit: Visit) -> dict[str, Any]:
    report = await _report(visit, top=12)
    today = visit.ctx.now.astimezone(UTC).date()
    return {
        "report": report,
        "budget": await visit.call(budgets.get, Nothing()),
        "lists": [(by, title, _rows(report, by), _LINKS.get(by)) for by, title in _LISTS.items()],
        "ranges": _ranges(today),
        "stretch": f"since={report.since}&until={report.until}",
    }


def _rows(report: CostReport, by: str) -> tuple[CostRow, ...]:
    rows: Mapping[str, tuple[CostRow, ...]] = {name: getattr(report, f"by_{name}") for name in _LISTS}
    return rows[by]


def _ranges(today: date) -> list[tuple[str, str]]:
    def days(count: int) -> str:
        return f"/costs?since={today - timedelta(days=count - 1)}&until={today}"

    month = today.replace(day=1)
    last = month - timedelta(days=1)
    return [
        (days(7), "7 days"),
        (days(30), "30 days"),
        (days(90), "90 days"),
        (f"/costs?since={month}&until={today}", "This month"),
        (f"/costs?since={last.replace(day=1)}&until={last}", "Last month"),
    ]


async def _budget(visit: Visit, problems: Problems | None, sent: Mapping[str, Any] | None, status: int) -> Response:
    known = await visit.call(budgets.get, Nothing())
    values = _values(known) if sent is None else {**_values(known), **sent}
    return html(
        visit,
        "costs/budget.html",
        status=status,
        budget=known,
        values=values,
        channels=tuple(AlertChannel),
        problems=problems,
    )


def _values(known: Budget) -> dict[str, Any]:
    caps = {name: getattr(known, name) for name in _CAPS}
    return {
        **{name: "" if cap is None else f"{cap.normalize():f}" for name, cap in caps.items()},
        "alerts": ", ".join(str(alert.threshold_percent) for alert in known.alerts),
        "channels": sorted({channel.value for alert in known.alerts for channel in alert.channels}),
    }


ROUTES = (
    page("/costs", index),
    page("/costs/report", part),
    page("/costs/export.csv", export),
    page("/costs/budget", budget),
    action("/costs/budget", save_budget),
)
