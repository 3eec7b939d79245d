"""What faces and other domains see of a workspace's settings."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class SettingsId(TypedId):
    """The settings of one workspace."""

    prefix: ClassVar[str] = "set"


class AlertSettings(View):
    """Where alerts go; of the webhook's secret only its end is shown."""

    slack_channel: str | None
    email_to: tuple[str, ...]
    webhook_url: str | None
    webhook_secret: str | None


class RiskSettings(View):
    """How much each dimension of risk weighs, and the score above which a system is flagged."""

    threshold: float
    weights: dict[str, float]


class WorkspaceSettings(View):
    """The settings in force, defaults included; `updated_at` is None while nothing was ever set."""

    alerts: AlertSettings
    risk: RiskSettings
    log_retention_days: int
    approval_hours: float
    default_model: str | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertTargets:
    """Where alerts go, the webhook's secret in clear; for the domain that delivers them."""

    slack_channel: str | None = None
    email_to: tuple[str, ...] = ()
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
