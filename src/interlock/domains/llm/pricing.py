"""What a call costs: prices the workspace declared, else the price list of genai-prices; unknown stays unknown.

Models inside the product and on the operator's own Ollama have no price per token: they cost nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache

from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo
from genai_prices.types import Provider as PriceList

from interlock.domains.llm.views import ModelPrice, ProviderKind, TokenUsage
from interlock.kit.money import ZERO

_FREE = frozenset({ProviderKind.LOCAL, ProviderKind.SCRIPTED, ProviderKind.OLLAMA})
_LISTS = {
    ProviderKind.OPENAI: "openai",
    ProviderKind.ANTHROPIC: "anthropic",
    ProviderKind.GOOGLE: "google",
    ProviderKind.OPENROUTER: "openrouter",
}
_MILLION = Decimal(1_000_000)
_SIMPLE = frozenset({"input_mtok", "output_mtok", "cache_read_mtok"})
# Charged per use of a hosted tool, which the gateway never switches on by itself.
_NOT_TOKENS = frozenset({"web_searches_kcount", "storage_searches_kcount", "requests_kcount"})


class Pricing:
    """The price of one model at one provider.

    Args:
        declared: the workspace's own prices by model name or glob such as `*`; they win over the list.
    """

    def __init__(
        self,
        kind: ProviderKind,
        model: str,
        *,
        base_url: str | None = None,
        declared: Mapping[str, ModelPrice] | None = None,
    ) -> None:
        # Names that end so are served by Ollama's own cloud, through the same port.
        self.is_free = kind in _FREE and not model.endswith("-cloud")
        self._declared = _declared_price(model, declared or {})
        self._listed = None
        if self._declared is None and not self.is_free:
            self._listed = listed(_LISTS.get(kind), model, None if kind in _LISTS else base_url)

    @property
    def is_known(self) -> bool:
        """Whether a cost can be told at all."""
        return self.is_free or self._declared is not None or self._listed is not None

    @property
    def context_window(self) -> int | None:
        """The most input tokens the model takes, where the list knows."""
        return None if self._listed is None else self._listed[1].context_window

    def cost(self, usage: TokenUsage, now: datetime) -> Decimal | None:
        """US dollars for these tokens, or None when the price is unknown."""
        if self._declared is not None:
            return _linear(usage, self._declared.input, self._declared.input, self._declared.output)
        if self.is_free:
            return ZERO
        if self._listed is None:
            return None
        provider, info = self._listed
        prices = {name: price for name, price in vars(info.get_prices(now)).items() if price is not None}
        names = prices.keys() - _NOT_TOKENS
        if (
            names <= _SIMPLE
            and not usage.cache_write_tokens
            and all(isinstance(prices[name], Decimal) for name in names)
        ):
            into, out = prices.get("input_mtok", ZERO), prices.get("output_mtok", ZERO)
            return _linear(usage, into, prices.get("cache_read_mtok", into), out)
        counted = Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        return info.calc_price(counted, provider, genai_request_timestamp=now).total_price

    def per_million(self, now: datetime) -> ModelPrice | None:
        """The price of a million tokens each way, at the base tier."""
        if not self.is_known:
            return None
        # A small call, scaled: a million tokens in one request may fall into a dearer tier.
        into = self.cost(TokenUsage(input_tokens=1000), now)
        out = self.cost(TokenUsage(output_tokens=1000), now)
        return None if into is None or out is None else ModelPrice(input=into * 1000, output=out * 1000)


def _linear(usage: TokenUsage, into: Decimal, cached: Decimal, out: Decimal) -> Decimal:
    fresh = usage.input_tokens - usage.cached_tokens
    return (fresh * into + usage.cached_tokens * cached + usage.output_tokens * out) / _MILLION


def _declared_price(model: str, declared: Mapping[str, ModelPrice]) -> ModelPrice | None:
    if model in declared:
        return declared[model]
    return next((price for pattern, price in declared.items() if fnmatchcase(model, pattern)), None)


@lru_cache(maxsize=2048)
def listed(list_id: str | None, model: str, base_url: str | None = None) -> tuple[PriceList, ModelInfo] | None:
    """The entry of the price list for a model, or None when the list does not know provider or model."""
    if list_id is None and base_url is None:
        return None
    try:
        return get_snapshot().find_provider_model(model, None, list_id, None if list_id else base_url)
    except LookupError:
        return None


def catalogue(kind: ProviderKind) -> list[ModelInfo]:
    """The models that the price list knows for a provider, the deprecated ones left out."""
    name = _LISTS.get(kind)
    if name is None:
        return []
    found = [provider for provider in get_snapshot().providers if provider.id == name]
    return [model for provider in found for model in provider.models if not model.deprecated]
