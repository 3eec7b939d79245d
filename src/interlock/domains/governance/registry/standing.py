"""What the path of a verdict asks of the registry, answered from memory.

Only systems at high or critical risk are kept, per process and per version of the workspace's rules: whatever changes
such a level counts the version up, and every request brings the version along. So a verdict costs no query.

New callers are noticed here too, without a write for each call: the first call of an unseen one asks for a look through
the ledger, and after that one call a minute does. The ledger itself says who called, how often and when last.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry import repository
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.org import service as org
from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx, WorkspaceId

CATCH_UP = "registry.catch_up"
_SOON = timedelta(seconds=1)
_ROUTINE = timedelta(minutes=1)
_MOST_KNOWN = 10_000
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Standing:
    """What this process knows of one workspace's callers.

    Args:
        planned: when the ledger was or will be looked through.
    """

    version: int = 0
    levels: dict[tuple[SystemKind, str], RiskLevel] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    planned: datetime = _NEVER


class Standings:
    """The standings of one process, by workspace."""

    def __init__(self) -> None:
        self._of: dict[WorkspaceId, Standing] = {}

    def of(self, workspace_id: WorkspaceId) -> Standing:
        """A workspace's standing."""
        found = self._of.get(workspace_id)
        if found is None:
            found = self._of[workspace_id] = Standing()
        return found


async def level_of_caller(ctx: Ctx, kind: SystemKind, subject: str) -> RiskLevel:
    """How risky a caller is, inside the unit of work of its verdict; one never assessed counts as low."""
    standing = ctx.runtime.local(Standings).of(ctx.workspace_id)
    version = ctx.workspace_version or (await org.facts(ctx, ctx.workspace_id)).rules_version
    if standing.version < version:
        standing.levels = await repository.elevated(ctx)
        standing.version = version
    is_new = subject not in standing.known
    if is_new or standing.planned + _ROUTINE <= ctx.now:
        await _have_a_look(ctx, standing, subject, is_new=is_new)
    return standing.levels.get((kind, subject), RiskLevel.LOW)


async def _have_a_look(ctx: Ctx, standing: Standing, subject: str, *, is_new: bool) -> None:
    """See that a look through the ledger is planned for after this call is on record, at most one each second."""
    now = ctx.now
    if standing.planned <= now:  # a planned one is still to come otherwise, and will see this call
        # One that was due a moment ago may be reading already, before this call is on record.
        at = max(now, standing.planned + _SOON) if is_new and standing.planned != _NEVER else now
        await ctx.runtime.jobs.enqueue(ctx, CATCH_UP, Nothing(), at=at)
        standing.planned = at
    if len(standing.known) >= _MOST_KNOWN:
        standing.known.clear()
    ctx.the_unit().after_commit(lambda: standing.known.add(subject))
