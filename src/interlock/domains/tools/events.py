"""News of the tools domain."""

from typing import ClassVar

from interlock.domains.tools.states import ToolStatus
from interlock.domains.tools.views import ToolCallId
from interlock.kit.ids import RunId
from interlock.runtime.events import Event


class ToolCallSettled(Event):
    """A held call was executed or refused after a decision; its outcome is on record."""

    name: ClassVar[str] = "tools.call_settled"

    call_id: ToolCallId
    run_id: RunId | None
    status: ToolStatus
