"""Replaces personal data in arguments, however deep; pure, and never sure to be reversible."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from interlock.domains.governance.policies.config import Detector, PrivacyConfig
from interlock.domains.governance.policies.detectors import FINDERS, NEEDS_DIGIT, has_digit
from interlock.domains.governance.policies.globs import Globs
from interlock.domains.governance.policies.patterns import Pattern, compile_pattern
from interlock.domains.governance.policies.patterns import spans as spans_of

_DEEPEST = 100
_SSN_NAMES = Globs(("*ssn*", "*social_security*", "*socialsecurity*", "*social-security*"), fold=True)
_SSN_LENGTH = 9

Finding: TypeAlias = tuple[int, int, str]
_NOTHING: list[Finding] = []


def stand_in(name: str) -> str:
    """What takes the place of masked text."""
    return f"[masked:{name}]"


@dataclass(slots=True)
class Masked:
    """Arguments after masking, and where something was found."""

    arguments: dict[str, Any]
    fields: list[str] = field(default_factory=list)


class Masker:
    """One privacy policy's idea of personal data, compiled."""

    def __init__(self, config: PrivacyConfig) -> None:
        self._detectors = tuple(
            (detector.value, find, detector in NEEDS_DIGIT)
            for detector, find in FINDERS.items()
            if detector in config.detect
        )
        self._knows_ssn = Detector.SSN in config.detect
        self._patterns: tuple[tuple[str, Pattern], ...] = tuple(
            (pattern.name, compile_pattern(pattern.regex)) for pattern in config.patterns
        )
        self._whole = Globs(config.fields, fold=True)
        self._skip = Globs(config.skip_fields, fold=True)
        self._has_names = bool(config.fields or config.skip_fields)

    def apply(self, arguments: dict[str, Any]) -> Masked:
        """Mask a call's arguments; the given ones stay as they are."""
        result = Masked({})
        value = self._mask(arguments, "", "", result, 0)
        result.arguments = value if isinstance(value, dict) else {}
        return result

    def text(self, text: str) -> str:
        """Mask one text."""
        return self._replace(text, self._find(text))

    def _mask(self, value: Any, name: str, path: str, result: Masked, depth: int) -> Any:
        if name and self._has_names:
            if self._skip.matches(name):
                return value
            if value is not None and self._whole.matches(name):
                result.fields.append(path)
                return stand_in("field")
        if depth > _DEEPEST:
            result.fields.append(path)
            return stand_in("depth")
        if isinstance(value, str):
            return self._mask_text(value, name, path, result)
        if isinstance(value, dict):
            return self._mask_object(value, path, result, depth)
        if isinstance(value, list | tuple):
            return [
                self._mask(item, name, f"{path}.{place}" if path else str(place), result, depth + 1)
                for place, item in enumerate(value)
            ]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._mask_number(value, name, path, result)
        return value

    def _mask_object(self, value: dict[str, Any], path: str, result: Masked, depth: int) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for key, item in value.items():
            found = self._find(key)
            shown = self._replace(key, found)
            inner = f"{path}.{shown}" if path else shown
            if found:
                result.fields.append(inner)
            kept, twin = shown, 1
            while kept in masked:
                twin += 1
                kept = f"{shown} ({twin})"
            masked[kept] = self._mask(item, key, inner, result, depth + 1)
        return masked

    def _mask_text(self, value: str, name: str, path: str, result: Masked) -> str:
        found = self._find(value)
        if not found and self._is_named_ssn(value, name):
            found = [(0, len(value), Detector.SSN.value)]
        if not found:
            return value
        result.fields.append(path)
        return self._replace(value, found)

    def _mask_number(self, value: Any, name: str, path: str, result: Masked) -> Any:
        """A card number sent as a JSON number is a card number all the same."""
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        text = str(whole)
        masked = self._mask_text(text, name, path, result)
        return value if masked == text else masked

    def _is_named_ssn(self, value: str, name: str) -> bool:
        return self._knows_ssn and len(value) == _SSN_LENGTH and value.isdecimal() and _SSN_NAMES.matches(name)

    def _find(self, text: str) -> list[Finding]:
        """Everything found, by place; where findings overlap they are masked as one."""
        digits = has_digit(text)
        if not (digits or self._patterns or "@" in text):
            return _NOTHING
        found: list[Finding] = []
        for name, find, needs_digit in self._detectors:
            if digits or not needs_digit:
                spans = find(text)
                if spans:
                    found += [(start, end, name) for start, end in spans]
        for name, pattern in self._patterns:
            found += [(start, end, name) for start, end in spans_of(pattern, text)]
        return found

    def _replace(self, text: str, found: list[Finding]) -> str:
        if not found:
            return text
        pieces: list[str] = []
        end = 0
        for start, stop, name in sorted(found, key=lambda item: (item[0], -item[1])):
            if start >= end:
                pieces += [text[end:start], stand_in(name)]
            end = max(end, stop)
        pieces.append(text[end:])
        return "".join(pieces)


@lru_cache(maxsize=1024)
def masker_for(config: PrivacyConfig) -> Masker:
    """The one masker of all policies that look for the same, so that a call is searched once for all of them."""
    return Masker(config)
