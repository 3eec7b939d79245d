"""What the tool catalogue tells checks: which tools are always held, and how risky each is.

The catalogue belongs to a higher domain, which hands its facts down when the server starts or a tool changes.
"""

from interlock.domains.governance.checks.views import ToolFacts
from interlock.runtime.context import Runtime, WorkspaceId

_UNKNOWN = ToolFacts()


class KnownTools:
    """Facts of registered tools: of the server, and of single workspaces. Another spelling opens no gate."""

    def __init__(self) -> None:
        self._everywhere: dict[str, ToolFacts] = {}
        self._of: dict[WorkspaceId, dict[str, ToolFacts]] = {}

    def tell(self, tool: str, facts: ToolFacts, workspace_id: WorkspaceId | None = None) -> None:
        """Note a tool's facts, for every workspace or for one."""
        shelf = self._everywhere if workspace_id is None else self._of.setdefault(workspace_id, {})
        shelf[_folded(tool)] = facts

    def facts(self, tool: str, workspace_id: WorkspaceId) -> ToolFacts:
        """A tool's facts; a tool nobody registered is an ordinary one."""
        name = _folded(tool)
        of_workspace = self._of.get(workspace_id)
        if of_workspace is not None and name in of_workspace:
            return of_workspace[name]
        return self._everywhere.get(name, _UNKNOWN)


def _folded(tool: str) -> str:
    return tool.strip().casefold()


def known_tools(runtime: Runtime) -> KnownTools:
    """The facts this process was told."""
    return runtime.local(KnownTools)
