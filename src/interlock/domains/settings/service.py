"""Operations on a workspace's settings, and what other domains read of them."""

import binascii
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from interlock.domains.org import service as org
from interlock.domains.settings import repository
from interlock.domains.settings.events import RiskSettingsChanged
from interlock.domains.settings.repository import Stored
from interlock.domains.settings.views import AlertSettings, AlertTargets, RiskSettings, WorkspaceSettings
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.patch import changes
from interlock.kit.signatures import SECRET_PREFIX, standard_key
from interlock.runtime.context import Ctx

DEFAULT_RETENTION_DAYS = 30
_SLACK, _EMAIL = "alerts.slack_channel", "alerts.email_to"
_URL, _SECRET = "alerts.webhook_url", "alerts.webhook_secret"
_RETENTION, _HOURS, _MODEL = "log_retention_days", "approval_hours", "default_model"
_SECRETS = frozenset({_SECRET})
_RISK_DIMENSIONS = ("bias", "privacy", "operational", "regulatory")
_THRESHOLD, _WEIGHT = "risk.threshold", "risk.{}_weight"
DEFAULT_RISK_THRESHOLD = 60.0
_SHOWN_END = 4
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64
_LONGEST_RECIPIENTS = 2_000


def _recipients(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if len(", ".join(addresses)) > _LONGEST_RECIPIENTS:
        raise ValueError(f"the addresses must not exceed {_LONGEST_RECIPIENTS} characters together")
    return addresses


def _web_address(url: str) -> str:
    """Only the form; where it leads is judged when it is called, because names change what they lead to."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or parts.username is not None or parts.password is not None:
        raise ValueError("must be an http or https address that names a host and carries no user name or password")
    return url


def _signing_secret(secret: SecretStr) -> SecretStr:
    try:
        key = standard_key(secret.get_secret_value())
    except binascii.Error:
        key = b""
    if not _SHORTEST_SECRET <= len(key) <= _LONGEST_SECRET:
        raise ValueError(
            f"must be '{SECRET_PREFIX}' and {_SHORTEST_SECRET} to {_LONGEST_SECRET} random bytes in base64, "
            "such as `openssl rand -base64 32` prints"
        )
    return secret


SlackChannel = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[^\s\x00]+$", description="Such as #ops, or a channel or user id."),
]
Address = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="One mail address.",
    ),
]
Recipients = Annotated[tuple[Address, ...], Field(max_length=20), AfterValidator(_recipients)]
WebhookUrl = Annotated[
    str,
    Field(max_length=2_000, pattern=r"^https?://[!-~]+$", description="Called with POST."),
    AfterValidator(_web_address),
]
WebhookSecret = Annotated[
    SecretStr,
    Field(description="Signs each call (Standard Webhooks); stored encrypted, only its end is shown again."),
    AfterValidator(_signing_secret),
]
RetentionDays = Annotated[
    int, Field(ge=1, le=3_650, description="Days that logs and notifications are kept; 30 by default.")
]
ApprovalHours = Annotated[
    float, Field(gt=0, le=8_760, allow_inf_nan=False, description="Hours a person has to decide; the server's default.")
]
ModelName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*\S[^\x00]*$",
        description="Model id, prefix, alias or route that the name 'default' stands for.",
    ),
]


class ChangeAlerts(Command):
    """Where alerts go; absent fields stay, null empties one."""

    slack_channel: SlackChannel | None = None
    email_to: Recipients | None = None
    webhook_url: WebhookUrl | None = None
    webhook_secret: WebhookSecret | None = None


RiskWeight = Annotated[
    float,
    Field(
        strict=True, ge=0, le=1_000, allow_inf_nan=False, description="How much this dimension counts; 1 by default."
    ),
]


class ChangeRisk(Command):
    """How risk scores are weighed; absent fields stay, null sets one back to its default."""

    threshold: (
        Annotated[
            float,
            Field(strict=True, ge=0, le=100, allow_inf_nan=False, description="Above it a system is flagged; 60."),
        ]
        | None
    ) = None
    bias_weight: RiskWeight | None = None
    privacy_weight: RiskWeight | None = None
    operational_weight: RiskWeight | None = None
    regulatory_weight: RiskWeight | None = None


_GROUPS: dict[str, type[Command]] = {"alerts": ChangeAlerts, "risk": ChangeRisk}


class UpdateSettings(Command):
    """The settings to change; absent ones stay, null goes back to the default."""

    alerts: ChangeAlerts | None = None
    risk: ChangeRisk | None = None
    log_retention_days: RetentionDays | None = None
    approval_hours: ApprovalHours | None = None
    default_model: ModelName | None = None


@operation("settings.get", scope="admin")
async def get(ctx: Ctx, command: Nothing) -> WorkspaceSettings:
    """Show the workspace's settings, secrets masked."""
    return _shown(ctx, await repository.read(ctx))


@operation("settings.update", scope="admin", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateSettings) -> WorkspaceSettings:
    """Change some of the workspace's settings; null sets one back to its default."""
    await repository.hold(ctx)
    before = await repository.read(ctx)
    chosen, secrets = dict(before.chosen), repository.unsealed(ctx, before)
    given = _by_full_name(command)
    for name, value in given.items():
        place: dict[str, Any] = secrets if name in _SECRETS else chosen
        if value is None or value == ():
            place.pop(name, None)
        elif isinstance(value, SecretStr):
            place[name] = value.get_secret_value()
        else:
            place[name] = list(value) if isinstance(value, tuple) else value
    if _URL in chosen and _SECRET not in secrets:
        raise invalid(
            "A webhook needs a secret to sign its calls with.",
            field=_SECRET,
            hint="Set 'alerts.webhook_secret' together with 'alerts.webhook_url', or set both to null.",
        )
    if not any(_risk_of(chosen).weights.values()):
        raise invalid("At least one dimension of risk needs a weight above 0.", field="risk")
    after = await repository.keep(ctx, chosen, secrets)
    if _risk_of(before.chosen) != _risk_of(chosen):
        await ctx.emit(RiskSettingsChanged())
    if before.chosen.get(_MODEL) != chosen.get(_MODEL):
        await org.rules_changed(ctx)
    return _shown(ctx, after)


async def alert_targets(ctx: Ctx) -> AlertTargets:
    """Where the workspace wants its alerts."""
    stored = await repository.read(ctx)
    return AlertTargets(
        slack_channel=stored.chosen.get(_SLACK),
        email_to=tuple(stored.chosen.get(_EMAIL, ())),
        webhook_url=stored.chosen.get(_URL),
        webhook_secret=repository.unsealed(ctx, stored).get(_SECRET),
    )


async def log_retention_days(ctx: Ctx) -> int:
    """How many days the workspace keeps its operational logs."""
    days: int = (await repository.read(ctx)).chosen.get(_RETENTION, DEFAULT_RETENTION_DAYS)
    return days


async def approval_hours(ctx: Ctx) -> float:
    """How many hours a person has to decide."""
    hours: float = (await repository.read(ctx)).chosen.get(_HOURS, ctx.settings.approval_hours)
    return hours


async def risk(ctx: Ctx) -> RiskSettings:
    """How the workspace weighs risk."""
    return _risk_of((await repository.read(ctx)).chosen)


def _risk_of(chosen: dict[str, Any]) -> RiskSettings:
    weights = {name: chosen.get(_WEIGHT.format(name), 1.0) for name in _RISK_DIMENSIONS}
    return RiskSettings(threshold=chosen.get(_THRESHOLD, DEFAULT_RISK_THRESHOLD), weights=weights)


async def default_model(ctx: Ctx) -> str | None:
    """The model that the name 'default' stands for; None while nothing is set."""
    name: str | None = (await repository.read(ctx)).chosen.get(_MODEL)
    return name


def _by_full_name(command: UpdateSettings) -> dict[str, Any]:
    """What the caller really sent; null for a whole group such as `alerts` empties every field of it."""
    given = changes(command)
    for group, kind in _GROUPS.items():
        if group in given:
            inner = given.pop(group)
            sent = dict.fromkeys(kind.model_fields) if inner is None else changes(inner)
            given |= {f"{group}.{name}": value for name, value in sent.items()}
    return given


def _shown(ctx: Ctx, stored: Stored) -> WorkspaceSettings:
    chosen = stored.chosen
    secret = repository.unsealed(ctx, stored).get(_SECRET)
    return WorkspaceSettings(
        alerts=AlertSettings(
            slack_channel=chosen.get(_SLACK),
            email_to=tuple(chosen.get(_EMAIL, ())),
            webhook_url=chosen.get(_URL),
            webhook_secret=None if secret is None else f"…{secret[-_SHOWN_END:]}",
        ),
        risk=_risk_of(chosen),
        log_retention_days=chosen.get(_RETENTION, DEFAULT_RETENTION_DAYS),
        approval_hours=chosen.get(_HOURS, ctx.settings.approval_hours),
        default_model=chosen.get(_MODEL),
        updated_at=stored.updated_at,
    )
