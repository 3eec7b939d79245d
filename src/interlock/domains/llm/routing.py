"""Which provider serves a model name, and which others stand in; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from interlock.domains.llm.embedded.chat import MODEL_NAME as LOCAL_CHAT
from interlock.domains.llm.embedded.embedder import MODEL_NAME as LOCAL_EMBEDDER
from interlock.domains.llm.pricing import Pricing
from interlock.domains.llm.views import ModelPrice, ProviderId, ProviderKind, ProviderSource
from interlock.kit.errors import InterlockError, Kind

_FAMILIES = (
    (re.compile(r"claude[-.]"), ProviderKind.ANTHROPIC),
    (re.compile(r"gemini-|text-embedding-00\d"), ProviderKind.GOOGLE),
    (re.compile(r"gpt-|chatgpt-|codex-|ft:gpt|o\d(-|$)|text-embedding-"), ProviderKind.OPENAI),
)
_KEYS = {
    ProviderKind.ANTHROPIC: "INTERLOCK_ANTHROPIC_API_KEY",
    ProviderKind.GOOGLE: "INTERLOCK_GOOGLE_API_KEY",
    ProviderKind.OPENAI: "INTERLOCK_OPENAI_API_KEY",
}
_OTHER_NAMES = {"google-gla": "google", "openai-chat": "openai"}
_LOCAL_ALIASES = {"smollm2": LOCAL_CHAT, "minilm": LOCAL_EMBEDDER}
# Callers choose model names, so what is remembered about them is bounded.
_REMEMBERED = 1000
LOCAL_MODELS = (LOCAL_CHAT, LOCAL_EMBEDDER)


@dataclass(frozen=True, eq=False)
class Upstream:
    """A provider as the gateway uses it, its credential in the clear and never in a message.

    Args:
        key: tells providers apart for breakers and client caches; changes whenever the configuration does.
        allow_private: the operator named its URL, so it may be on a private network.
    """

    key: str
    name: str
    kind: ProviderKind
    base_url: str
    credential: str | None = field(default=None, repr=False)
    priority: int = 100
    timeout_seconds: float = 120.0
    models: tuple[str, ...] = ()
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)
    source: ProviderSource = ProviderSource.WORKSPACE
    allow_private: bool = False
    provider_id: ProviderId | None = None


@dataclass(frozen=True, eq=False)
class Target:
    """One model at one provider."""

    upstream: Upstream
    model: str

    @property
    def id(self) -> str:
        """`provider:model`, the exact name that always means this target."""
        return f"{self.upstream.name}:{self.model}"

    @property
    def is_scripted(self) -> bool:
        """Whether it only recites a file; said wherever its replies are shown."""
        return self.upstream.kind is ProviderKind.SCRIPTED

    @cached_property
    def pricing(self) -> Pricing:
        """What it costs."""
        upstream = self.upstream
        return Pricing(upstream.kind, self.model, base_url=upstream.base_url, declared=upstream.prices)


class Directory:
    """The usable providers of a workspace, most preferred first, and its routes."""

    def __init__(self, upstreams: Iterable[Upstream], routes: Mapping[str, tuple[str, ...]]) -> None:
        self.upstreams = tuple(sorted(upstreams, key=lambda upstream: upstream.priority))
        self.routes = routes
        self._by_name = {upstream.name: upstream for upstream in self.upstreams}
        self._resolved: dict[str, tuple[Target, ...]] = {}

    def resolve(self, name: str) -> tuple[Target, ...]:
        """The targets for a model name, in the order in which they are tried.

        Raises:
            InterlockError: INVALID, naming the configured providers and the remedy.
        """
        found = self._resolved.get(name)
        if found is None:
            found = self._look_up(name)
            if not found:
                raise self.nobody_serves(name)
            if len(self._resolved) >= _REMEMBERED:
                self._resolved.clear()
            self._resolved[name] = found
        return found

    def serves(self, name: str) -> bool:
        """Whether a name leads to a model at all; a route may have lost its providers."""
        return bool(self._look_up(name))

    def _look_up(self, name: str) -> tuple[Target, ...]:
        parts = self.routes.get(name, (name,))
        return tuple(target for part in parts for target in self.direct(part))

    def direct(self, name: str) -> tuple[Target, ...]:
        """The targets for a name that is no route; none when nobody serves it."""
        for separator in (":", "/"):
            prefix, found, model = name.partition(separator)
            upstream = self._by_name.get(_OTHER_NAMES.get(prefix, prefix)) if found and model else None
            if upstream is not None:
                return (Target(upstream, _known_local(upstream, model)),)
        declared = [upstream for upstream in self.upstreams if name in upstream.models]
        if not declared:
            kind = family(name)
            declared = [upstream for upstream in self.upstreams if upstream.kind is kind]
        if not declared and (name == ProviderKind.LOCAL or name in _LOCAL_ALIASES):
            return (Target(self._by_name["local"], _LOCAL_ALIASES.get(name, LOCAL_CHAT)),)
        return tuple(Target(upstream, name) for upstream in declared)

    def nobody_serves(self, name: str) -> InterlockError:
        """The error for a name that leads nowhere."""
        configured = [upstream.name for upstream in self.upstreams]
        kind = family(name)
        hint = "Name the model as 'provider:model' with one of these providers, or add the provider that serves it."
        if kind is not None and kind in _KEYS:
            hint = f"Set {_KEYS[kind]}, or add a provider of kind '{kind.value}'."
        return InterlockError(
            Kind.INVALID,
            f"No configured provider serves the model '{name[:100]}'. Configured: {', '.join(configured)}.",
            code="unknown_model",
            data={"field": "model", "model": name[:100], "providers": configured},
            hint=hint,
        )


def family(name: str) -> ProviderKind | None:
    """The kind of provider that a well-known model name belongs to."""
    return next((kind for pattern, kind in _FAMILIES if pattern.match(name)), None)


def _known_local(upstream: Upstream, model: str) -> str:
    if upstream.kind is not ProviderKind.LOCAL:
        return model
    model = _LOCAL_ALIASES.get(model, model)
    if model not in LOCAL_MODELS:
        raise InterlockError(
            Kind.INVALID,
            f"The embedded models are {' and '.join(LOCAL_MODELS)}; there is no '{model[:100]}'.",
            code="unknown_model",
            data={"field": "model", "models": list(LOCAL_MODELS)},
            hint=f"Use 'local:{LOCAL_CHAT}'.",
        )
    return model
