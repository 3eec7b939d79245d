"""What the tool catalogue tells governance: which tools are always held, how risky each is, and what it acts on.

The catalogue belongs to a higher domain, which hands its facts down when the server starts or a tool changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from interlock.domains.governance.policies.globs import ToolGlobs
from interlock.domains.governance.policies.views import RiskLevel
from interlock.runtime.context import Runtime, WorkspaceId


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What governance must know of a registered tool; `connector` names the outside system it acts on."""

    requires_approval: bool = False
    risk: RiskLevel = RiskLevel.LOW
    connector: str | None = None


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

    def riskiest(self, tools: Iterable[str], workspace_id: WorkspaceId) -> RiskLevel:
        """The highest risk among the registered tools that these names, namespaces and globs cover."""
        globs = ToolGlobs(tuple(tools), fold=True)
        shelf = {**self._everywhere, **self._of.get(workspace_id, {})}
        covered = (facts.risk for name, facts in shelf.items() if globs.matches(name))
        return max(covered, key=lambda risk: risk.rank, default=RiskLevel.LOW)


def _folded(tool: str) -> str:
    return tool.strip().casefold()


def known_tools(runtime: Runtime) -> KnownTools:
    """The facts this process was told."""
    return runtime.local(KnownTools)
