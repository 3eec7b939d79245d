"""What other domains and faces see of a workspace."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.kit.operations import View
from interlock.runtime.context import WorkspaceId


class Plan(StrEnum):
    """What the workspace pays for; AI access is a separate fact."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Workspace(View):
    """A tenant: everything else belongs to exactly one."""

    id: WorkspaceId
    number: int
    name: str
    plan: Plan
    has_ai_access: bool
    rules_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """What every request needs to know of its workspace."""

    rules_version: int
    has_ai_access: bool
