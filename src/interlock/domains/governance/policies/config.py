"""What each type of policy can be told, checked when it is saved; errors name the field."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from interlock.domains.governance.policies.patterns import compile_pattern
from interlock.domains.governance.policies.views import Globs, PolicyType, RiskLevel
from interlock.kit.errors import invalid
from interlock.kit.money import Usd

Text = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
Phrases = Annotated[tuple[Text, ...], Field(max_length=500)]
Tag = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]


class Detector(StrEnum):
    """A kind of personal data that masking knows by itself."""

    EMAIL = "email"
    PHONE = "phone"
    SSN = "ssn"
    CARD = "card"
    IBAN = "iban"


class PrivacyAction(StrEnum):
    """What an enforced privacy policy does with a call that carries personal data."""

    MASK = "mask"
    REFUSE = "refuse"


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _compilable(regex: str) -> str:
    compile_pattern(regex)
    return regex


class NamedPattern(_Config):
    """A pattern of one's own; matched in time linear in the text, hence without back-references and look-around."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$", description="Stands in place of what was masked.")]
    regex: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_compilable)]


class ApprovalConfig(_Config):
    """A person must agree; the conditions narrow it to risky or costly calls."""

    reason: Text | None = None
    min_risk: RiskLevel | None = None
    min_cost: Usd | None = None


class CostConfig(_Config):
    """Caps in US dollars; the run cap counts the whole run, the others the current day or month (UTC)."""

    per_run: Usd | None = None
    per_agent: Usd | None = None
    per_scope: Usd | None = None
    per_workspace: Usd | None = None
    period: Literal["day", "month"] = "month"

    @model_validator(mode="after")
    def _caps_something(self) -> "CostConfig":
        if not self.caps:
            raise ValueError("give at least one of per_run, per_agent, per_scope, per_workspace")
        return self

    @property
    def caps(self) -> Mapping[str, Decimal]:
        """The caps that are set, by level."""
        levels = {
            "run": self.per_run,
            "agent": self.per_agent,
            "scope": self.per_scope,
            "workspace": self.per_workspace,
        }
        return {level: cap for level, cap in levels.items() if cap is not None}


class PrivacyConfig(_Config):
    """What counts as personal data, and what happens to it."""

    detect: tuple[Detector, ...] = tuple(Detector)
    patterns: Annotated[tuple[NamedPattern, ...], Field(max_length=50)] = ()
    fields: Annotated[Globs, Field(description="Arguments masked whole, by name, such as `*password*`.")] = ()
    skip_fields: Annotated[Globs, Field(description="Arguments left alone, by name, such as the `to` of a mail.")] = ()
    action: PrivacyAction = PrivacyAction.MASK

    @model_validator(mode="after")
    def _finds_something(self) -> "PrivacyConfig":
        if not (self.detect or self.patterns or self.fields):
            raise ValueError("give at least one of detect, patterns, fields")
        return self


class ContentConfig(_Config):
    """What a model may not say: phrases and patterns; occurrences inside an allowed phrase do not count."""

    deny: Phrases = ()
    allow: Phrases = ()
    patterns: Annotated[tuple[NamedPattern, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _finds_something(self) -> "ContentConfig":
        if not (self.deny or self.patterns):
            raise ValueError("give at least one of deny, patterns")
        return self


class ComplianceConfig(_Config):
    """Which regulatory controls a call falls under, such as `EU AI Act:Art.14`."""

    controls: Annotated[tuple[Tag, ...], Field(min_length=1, max_length=50)]
    framework: Tag | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags as evidence carries them, with the framework in front."""
        return tuple(f"{self.framework}:{control}" if self.framework else control for control in self.controls)


PolicyConfig: TypeAlias = ApprovalConfig | CostConfig | PrivacyConfig | ContentConfig | ComplianceConfig

_CONFIGS: Mapping[PolicyType, type[PolicyConfig]] = {
    PolicyType.APPROVAL: ApprovalConfig,
    PolicyType.COST: CostConfig,
    PolicyType.DATA_PRIVACY: PrivacyConfig,
    PolicyType.CONTENT: ContentConfig,
    PolicyType.COMPLIANCE: ComplianceConfig,
}


def parse_config(kind: PolicyType, values: Mapping[str, Any]) -> PolicyConfig:
    """The typed configuration of a policy.

    Raises:
        InterlockError: invalid; names the first wrong field and lists all of them.
    """
    try:
        return _CONFIGS[kind].model_validate(dict(values))
    except ValidationError as error:
        wrong = [
            {"field": ".".join(str(part) for part in ("config", *item["loc"])), "problem": item["msg"]}
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        first = wrong[0]
        raise invalid(
            f"{first['field']}: {first['problem']} (a {kind.value} policy).", field=first["field"], errors=wrong
        ) from error


def schema_of(kind: PolicyType) -> dict[str, Any]:
    """What a type of policy can be told, as JSON schema: for whoever makes a form of it."""
    return _CONFIGS[kind].model_json_schema()


def stored_config(config: PolicyConfig) -> dict[str, Any]:
    """The JSON form a policy is kept and shown in; what was not said is left out."""
    return config.model_dump(mode="json", exclude_defaults=True)
