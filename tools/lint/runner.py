"""Runs every rule over every tracked file and settles the skip marks."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.lint.rules import ceilings, commits, inner_imports, machine_paths, money_floats, operation_docs, public_files
from tools.lint.source import Finding, Source

RULES = {
    rule.NAME: rule.check
    for rule in (ceilings, commits, inner_imports, machine_paths, money_floats, operation_docs, public_files)
}


def run(root: Path) -> int:
    """Print the findings of a project and return the exit code."""
    sources = list(read_sources(root))
    findings = check_all(sources)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} finding(s), {len(sources)} files, {len(RULES)} rules")
    return 1 if findings else 0


def check_all(sources: Iterable[Source]) -> list[Finding]:
    """Check a set of files that belong together, in the order of their paths."""
    findings: list[Finding] = []
    seen = {source.path for source in sources}
    for source in sources:
        findings += check(source)
    findings += ceilings.stale_exceptions(seen)
    return sorted(findings, key=lambda each: (each.path, each.line, each.rule))


def check(source: Source) -> list[Finding]:
    """Check one file: what the rules find, less what marks excuse, plus marks that excuse nothing."""
    try:
        found = [finding for rule in RULES.values() for finding in rule(source)]
        marks = source.marks
    except (SyntaxError, UnicodeError) as error:
        line = getattr(error, "lineno", None) or 1
        return [source.finding(line, "syntax", f"cannot be parsed: {error}")]
    kept = [finding for finding in found if not any(mark.covers(finding) for mark in marks)]
    for mark in marks:
        if mark.rule not in RULES:
            kept.append(source.finding(mark.line, "mark", f"allows {mark.rule}, which is no rule of ours"))
        elif not mark.reason:
            kept.append(source.finding(mark.line, "mark", f"allows {mark.rule} without ` - reason`"))
        elif not any(mark.covers(finding) for finding in found):
            kept.append(source.finding(mark.line, "mark", f"allows {mark.rule}, but nothing here needs it: remove it"))
    return kept


def read_sources(root: Path) -> Iterator[Source]:
    """Read every text file that git tracks or would track, leaving out what is not text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in sorted(set(filter(None, listed.split("\0")))):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue
        yield Source(name, content.decode("utf-8", errors="replace"))
