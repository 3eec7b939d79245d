"""A workspace's policies compiled for judging, kept per process until the workspace's rules change."""

from dataclasses import replace

from interlock.domains.governance.policies.config import (
    ComplianceConfig,
    ContentConfig,
    PolicyConfig,
    PrivacyAction,
    PrivacyConfig,
    parse_config,
)
from interlock.domains.governance.policies.content import Screener
from interlock.domains.governance.policies.globs import Globs, ToolGlobs
from interlock.domains.governance.policies.masking import masker_for
from interlock.domains.governance.policies.resources import Touched
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import (
    AlertChannel,
    Caller,
    Effect,
    MatchedPolicy,
    Policy,
    PolicyId,
    PolicyType,
)
from interlock.runtime.context import WorkspaceId

_MOST_TOOLS = 4096
_MODE_ORDER = (PolicyMode.BLOCK, PolicyMode.PAUSE, PolicyMode.ALERT, PolicyMode.LOG)


def _natural_effect(policy: Policy, config: PolicyConfig) -> Effect:
    """What a policy does by nature; its mode decides how far that goes."""
    if isinstance(config, PrivacyConfig) and config.action is PrivacyAction.MASK:
        return Effect.MASK
    if policy.type is PolicyType.COMPLIANCE:
        return Effect.LABEL
    return Effect.HOLD if policy.type is PolicyType.APPROVAL else Effect.DENY


class Rule:
    """One policy, ready to be asked whether it applies."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.mode = policy.mode
        self.config: PolicyConfig = parse_config(policy.type, policy.config)
        self.masker = masker_for(self.config) if isinstance(self.config, PrivacyConfig) else None
        self.screener = Screener(self.config) if isinstance(self.config, ContentConfig) else None
        self.labels = self.config.labels if isinstance(self.config, ComplianceConfig) else ()
        self.natural = _natural_effect(policy, self.config)
        self._tools = ToolGlobs(policy.match.tools, fold=True) if policy.match.tools else None
        self._plain_match = MatchedPolicy(policy.id, policy.name, policy.type, policy.mode, self._effect())
        self._callers = Globs(policy.match.callers, fold=True) if policy.match.callers else None
        self._resources = tuple(
            (name, Globs((glob.lstrip("#") for glob in globs), fold=True))
            for name, globs in policy.match.resources.items()
        )

    def covers_tool(self, tool: str) -> bool:
        """Whether it applies to this tool at all."""
        return self._tools is None or self._tools.matches(tool)

    def covers_caller(self, caller: Caller) -> bool:
        """Whether it applies to this caller: by label, id or kind."""
        if self._callers is None:
            return True
        return self.covers_names(caller.label, caller.kind.value, None if caller.id is None else str(caller.id))

    def covers_names(self, label: str, kind: str, key: str | None) -> bool:
        """The same for a caller as evidence has it."""
        if self._callers is None:
            return True
        return (
            self._callers.matches(label)
            or self._callers.matches(kind)
            or (key is not None and self._callers.matches(key))
        )

    @property
    def looks_at_arguments(self) -> bool:
        """Whether what it says depends on a call's arguments."""
        return bool(self._resources) or self.masker is not None

    def covers_resources(self, touched: Touched) -> bool:
        """Whether every resource it names is touched by the call."""
        if not self._resources:
            return True
        return all(
            any(map(globs.matches, touched.values(name))) or any(map(globs.matches, touched.each(name)))
            for name, globs in self._resources
        )

    def covers(self, caller: Caller, touched: Touched) -> bool:
        """Whether it applies to a call of a tool that it covers."""
        return self.covers_caller(caller) and self.covers_resources(touched)

    def matched(self, detail: str) -> MatchedPolicy:
        """The record of its having applied."""
        if not detail:
            return self._plain_match
        return replace(self._plain_match, detail=detail)

    def _effect(self) -> Effect:
        """What it does in its mode, or would do where it only watches."""
        if self.mode is PolicyMode.PAUSE:
            return Effect.HOLD
        if self.mode is PolicyMode.BLOCK and self.natural is not Effect.MASK:
            return Effect.DENY
        return self.natural


class Rules:
    """All enabled policies of a workspace at one version, strictest first; those of a tool are found once.

    Args:
        capped: the workspace's budget has a cap, so that spending must be looked at even without a cost policy.
    """

    def __init__(self, version: int, policies: list[Policy], *, capped: bool = False) -> None:
        self.version = version
        self.capped = capped
        self.all: tuple[Rule, ...] = ()
        self.content: tuple[Rule, ...] = ()
        self._by_tool: dict[str, tuple[Rule, ...]] = {}
        self._channels: dict[PolicyId, tuple[AlertChannel, ...]] = {}
        self._take(*(Rule(policy) for policy in policies))

    def _take(self, *rules: Rule) -> None:
        self.all = tuple(sorted(rules, key=_strictness))
        self.content = tuple(rule for rule in self.all if rule.screener is not None)
        self._channels = {rule.policy.id: rule.policy.channels for rule in rules}

    def plus(self, rule: Rule, instead_of: PolicyId | None = None) -> "Rules":
        """These rules and one more, or another in the place of one, for a trial."""
        trial = Rules(self.version, [], capped=self.capped)
        trial._take(*(known for known in self.all if known.policy.id != instead_of), rule)
        return trial

    def channels_of(self, policy_id: PolicyId) -> tuple[AlertChannel, ...]:
        """Where governance is told of a policy's alerts."""
        return self._channels.get(policy_id, ())

    def for_tool(self, tool: str) -> tuple[Rule, ...]:
        """The rules over calls of a tool."""
        known = self._by_tool.get(tool)
        if known is None:
            if len(self._by_tool) >= _MOST_TOOLS:
                self._by_tool.clear()
            known = tuple(rule for rule in self.all if rule.screener is None and rule.covers_tool(tool))
            self._by_tool[tool] = known
        return known


def _strictness(rule: Rule) -> tuple[int, int]:
    return _MODE_ORDER.index(rule.mode), rule.policy.number


class RulesCache:
    """The compiled rules of one process, by workspace."""

    def __init__(self) -> None:
        self.known: dict[WorkspaceId, Rules] = {}
