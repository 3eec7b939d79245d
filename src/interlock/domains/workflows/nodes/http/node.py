"""A request to any HTTP service, through the tool `http.request`."""

from typing import Any

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.http.manifest import Config
from interlock.domains.workflows.nodes.tool.node import call

TOOL = "http.request"


async def run(work: Work, config: Config) -> Outcome:
    """Send the request; status, headers and body are the output."""
    arguments: dict[str, Any] = {
        "method": config.method.value,
        "url": work.text(config.url),
        "timeout_seconds": config.timeout_seconds,
        "fail_on_error": config.fail_on_error,
    }
    if config.headers:
        arguments["headers"] = {name: work.text(value) for name, value in config.headers.items()}
    if config.query:
        arguments["query"] = work.filled(config.query)
    if config.body is not None:
        arguments["json"] = work.filled(config.body)
    if config.text is not None:
        arguments["text"] = work.text(config.text)
    return await call(work, TOOL, arguments)
