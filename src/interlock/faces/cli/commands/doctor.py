"""`doctor`: looks at everything a server needs, and says what to do about what is wrong."""

import typer
from rich.console import Group
from rich.text import Text

from interlock.faces.cli.commands import checkup
from interlock.faces.cli.commands.checkup import Finding, Grade
from interlock.faces.cli.output import ExitCode
from interlock.faces.cli.session import AsJson, Context, DataDir, load_settings, session_of

_MARKS = {Grade.OK: ("✓", "green"), Grade.NOTE: ("•", "yellow"), Grade.FAIL: ("✗", "bold red")}


def doctor(context: Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check this machine and its data; exit code 1 when something must be mended."""
    session = session_of(context, as_json=as_json)
    settings = load_settings(data_dir=data_dir)
    findings = [check(settings) for check in checkup.CHECKS]
    healthy = all(finding.grade is not Grade.FAIL for finding in findings)
    facts = [
        {"name": each.name, "status": each.grade.value, "detail": each.detail, "remedy": each.remedy}
        for each in findings
    ]
    session.terminal.show({"ok": healthy, "checks": facts}, Group(*map(_line, findings)))
    if not healthy:
        raise typer.Exit(ExitCode.FAILED)


def _line(finding: Finding) -> Text:
    mark, style = _MARKS[finding.grade]
    line = Text.assemble((f"{mark} ", style), (f"{finding.name:<16}", "bold"), finding.detail)
    if finding.remedy:
        line.append(f"\n  {'':<16}→ {finding.remedy}", style="dim")
    return line
