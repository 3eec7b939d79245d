"""What is committed must mean the same everywhere: no path of one machine, no address of one package registry."""

import re
from collections.abc import Iterator

from tools.lint.source import Finding, Source

NAME = "machine-path"
PATH = re.compile(r"/(?:work|farm|root)/[a-z.]|(?<![\w.])/(?:home|Users)/[a-z]\w*/")
REGISTRY = re.compile(
    r"files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org|proxy\.golang\.org|--(?:extra-)?index-url[= ]\S"
)


def check(source: Source) -> Iterator[Finding]:
    """Find paths of one machine and addresses of registries in any text file."""
    for number, line in enumerate(source.lines, start=1):
        if match := PATH.search(line):
            yield source.finding(number, NAME, f"{match[0]!r} is a path of one machine: take it from the project root")
        if match := REGISTRY.search(line):
            yield source.finding(
                number, NAME, f"{match[0]!r} is a registry address: leave it to the installer's settings"
            )
