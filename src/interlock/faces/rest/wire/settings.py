"""Native replies about a workspace's settings."""

from interlock.faces.rest.wire.base import Timestamp, Wire


class AlertsReply(Wire):
    """Where alerts go; of the webhook's secret only its end."""

    slack_channel: str | None
    email_to: tuple[str, ...]
    webhook_url: str | None
    webhook_secret: str | None


class RiskReply(Wire):
    """How much each dimension of risk weighs, and the score above which a system is flagged."""

    threshold: float
    weights: dict[str, float]


class SettingsReply(Wire):
    """The settings in force, defaults included."""

    alerts: AlertsReply
    risk: RiskReply
    log_retention_days: int
    approval_hours: float
    default_model: str | None
    updated_at: Timestamp | None


class BackupReply(Wire):
    """A finished backup."""

    name: str
    created_at: Timestamp
    size: int
    version: str
    has_master_key: bool


class BackupWorkReply(Wire):
    """A backup that is being written, or the newest one that failed."""

    name: str
    started_at: Timestamp
    doing: str
    percent: int
    error: str | None


class BackupsReply(Wire):
    """The server's backups; `unavailable` says why none can be made here."""

    unavailable: str | None
    hint: str | None
    work: BackupWorkReply | None
    items: tuple[BackupReply, ...]
