"""Mappers of what directs the flow: triggers, choices, waiting, joining, loops, other workflows, answers."""

from collections.abc import Callable
from typing import Any

from interlock.domains.workflows.n8n.conditions import comparison, condition
from interlock.domains.workflows.n8n.shapes import APPROVED, REJECTED, Made, Site, by_hand, shown
from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.n8n.words import NoCounterpartError

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
_UNITS_OF_CRON = {"minutes": "*/{n} * * * *", "hours": "0 */{n} * * *", "days": "0 {hour} */{n} * *"}
_HOOKS = frozenset({"webhook"})


def trigger(site: Site) -> Made:
    """All ways to begin are one: what starts a workflow of ours points at it from outside."""
    node = site.node
    remarks: dict[str, Callable[[Site], str]] = {
        "webhook": lambda site: f"Make a hook that starts this workflow; its path was '{site.node.text('path')}'.",
        "formTrigger": lambda site: f"Make a form that starts this workflow; its title was '{_title(site)}'.",
        "scheduleTrigger": _schedule,
        "cron": _schedule,
        "interval": _schedule,
        "executeWorkflowTrigger": lambda _: "Other workflows start this one by a 'workflow' node.",
    }
    if node.short in remarks:
        site.notes.append(remarks[node.short](site))
    elif node.short not in {"manualTrigger", "start", "manualChatTrigger"}:
        site.notes.append(f"There is no such trigger here ({node.type}); use a hook, a schedule, or start it by hand.")
        return Made("trigger", {}, outcome=ImportOutcome.PARTLY)
    return Made("trigger", {})


def _title(site: Site) -> str:
    return site.node.text("formTitle")


def _schedule(site: Site) -> str:
    rules = site.node.items("rule", "interval")
    written = [found for found in map(_cron_of, rules) if found]
    words = f" with cron '{written[0]}'" if written else f"; its rule was {shown(rules)}"
    return f"Make a schedule that starts this workflow{words}."


def _cron_of(rule: dict[str, Any]) -> str | None:
    field = rule.get("field", "days")
    if field == "cronExpression":
        expression = rule.get("expression")
        return expression if isinstance(expression, str) else None
    every, hour = rule.get(f"{field}Interval", 1), rule.get("triggerAtHour", 0)
    if field not in _UNITS_OF_CRON or not isinstance(every, int) or not isinstance(hour, int):
        return None
    return _UNITS_OF_CRON[field].format(n=every, hour=hour).replace("*/1 ", "* ")


def choose(site: Site) -> Made:
    """IF and Filter; where the condition cannot be said, a person decides."""
    is_filter = site.node.short == "filter"
    try:
        when = condition(site.reader, site.node.get("conditions"), site.node.get("combineOperation"))
    except NoCounterpartError as reason:
        branches = (APPROVED,) if is_filter else (APPROVED, REJECTED)
        ask = "Approve for true, reject for false."
        return by_hand(site, f"Its condition could not be translated ({reason}).", branches=branches, ask=ask)
    return Made("condition", {"when": when}, ("true",) if is_filter else ("true", "false"))


def switch(site: Site) -> Made:
    """Cases in their order; one that cannot be said is never taken, and noted."""
    node, cases = site.node, []
    modern = node.items("rules", "values")
    rules = modern or node.items("rules", "rules")
    if not rules:
        return by_hand(site, "Its output is chosen by an expression, not by rules.")
    outputs: dict[int, str] = {}
    for index, rule in enumerate(rules):
        output = index if modern else _whole(rule.get("output"), index)
        branch = outputs.setdefault(output, _branch_name(rule, output, outputs))
        try:
            if modern:
                when = condition(site.reader, rule.get("conditions"))
            else:
                left, kind = node.get("value1"), node.get("dataType")
                when = comparison(site.reader, kind, left, rule.get("operation"), rule.get("value2"))
        except NoCounterpartError as reason:
            site.notes.append(f"Rule {index + 1} is never taken until you write its condition: {reason}.")
            when = "false"
        cases.append({"branch": branch, "when": when})
    fallback = node.get("options", "fallbackOutput") if modern else node.get("fallbackOutput")
    branches = [outputs.get(output, "else") for output in range(max(outputs) + 1)]
    if fallback == "extra" or not isinstance(fallback, int) or isinstance(fallback, bool):
        branches.append("else")
    elif fallback in outputs:  # an index
        cases.append({"branch": outputs[fallback], "when": "true"})
    else:
        branches += ["else"] * (fallback + 1 - len(branches)) if fallback < len(rules) + 10 else []
    outcome = ImportOutcome.PARTLY if site.notes else ImportOutcome.MAPPED
    return Made("condition", {"cases": cases[:100]}, tuple(branches), outcome)


def _whole(value: Any, default: int) -> int:
    is_index = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100
    return value if is_index else default


def _branch_name(rule: dict[str, Any], output: int, taken: dict[int, str]) -> str:
    key = rule.get("outputKey")
    name = key.strip()[:80] if isinstance(key, str) and key.strip() and "\x00" not in key else f"case{output}"
    return f"case{output}" if name in {"else", "error", *taken.values()} else name


def wait(site: Site) -> Made:
    """For a time, until a moment, or for somebody."""
    node, resume = site.node, site.node.text("resume", default="timeInterval")
    if resume == "specificTime":
        return Made("delay", {"until": site.reader.template(node.text("dateTime"))})
    if resume != "timeInterval":
        return by_hand(site, f"It waits for a call from outside ({shown(resume)}).")
    amount, unit = node.get("amount"), node.text("unit", default="hours" if site.node.version < 1.1 else "seconds")
    seconds = _SECONDS.get(unit)
    if seconds is None:
        return by_hand(site, f"Its unit of time is not known ({shown(unit)}).")
    if isinstance(amount, str) and amount.startswith("="):
        try:
            return Made("delay", {"seconds": "{{ (" + site.reader.operand(amount) + f") * {seconds}" + " }}"})
        except NoCounterpartError as reason:
            return by_hand(site, f"How long it waits could not be translated: {reason}.")
    number = amount if isinstance(amount, int | float) and not isinstance(amount, bool) else 1
    return Made("delay", {"seconds": number * seconds})


def join(site: Site) -> Made:
    """Waits for its branches; what they give becomes one value as the mode says."""
    sources = [wire.source for wire in sorted(_into(site), key=lambda wire: wire.input)]
    outputs = [f"nodes.{site.reader.ids[source]}" for source in dict.fromkeys(sources) if source in site.reader.ids]
    mode = site.node.text("mode", default="append")
    if mode == "append":
        made = f"[{', '.join(outputs)}]"
    elif mode == "chooseBranch" and outputs:
        made = outputs[0]
    elif mode in {"combine", "mergeByPosition", "mergeByKey", "mergeByIndex", "multiplex"} and outputs:
        made = f"merge({', '.join(f'{output} ?? {{}}' for output in outputs)})"
        site.notes.append("The objects are merged as they are; n8n would pair the items of lists.")
    else:
        made = "input"
        site.notes.append(f"Its mode '{shown(mode)}' is not known: the outputs are given by node.")
    outcome = ImportOutcome.PARTLY if site.notes else ImportOutcome.MAPPED
    return Made("join", {}, outcome=outcome, then=("transform", {"expression": made}))


def _into(site: Site) -> list[Any]:
    return [wire for wire in site.source.wires if wire.target == site.node.name and wire.sort == "main"]


def loop(site: Site) -> Made:
    """Item by item over a list; n8n's batches have no counterpart."""
    size = site.node.get("batchSize")
    site.notes.append("It goes through the list that the node before it gives; set 'items' to the list's path.")
    if size not in (None, 1):
        site.notes.append(f"It took {shown(size)} items at a time; here it goes item by item.")
    branches = ("item", "done") if site.node.version < 3 else ("done", "item")
    return Made("loop", {"items": "input"}, branches, ImportOutcome.PARTLY)


def subworkflow(site: Site) -> Made:
    """Another workflow, where it is known which of ours it is."""
    identity = site.node.located("workflowId")
    found = site.subworkflows.get(identity) if isinstance(identity, str) else None
    if found is None:
        return by_hand(
            site, f"It starts the n8n workflow {shown(identity)}; import that one and name it in 'subworkflows'."
        )
    return Made("workflow", {"workflow_id": str(found)})


def answer(site: Site) -> Made:
    """What is sent back is the output of the run."""
    how = site.node.text("respondWith", default="firstIncomingItem")
    if how in {"json", "text"} and site.node.text("responseBody"):
        return Made("output", {"value": site.reader.template(site.node.text("responseBody"))})
    if how in {"firstIncomingItem", "allIncomingItems", "json", "text"}:
        return Made("output", {})
    if how == "noData":
        return Made("output", {"value": {}})
    return by_hand(site, f"It answers with {shown(how)}, which a run cannot give back.")
