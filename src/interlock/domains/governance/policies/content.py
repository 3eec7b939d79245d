"""Screens text that a model produced against deny lists, allow lists and patterns; pure."""

from dataclasses import dataclass

from interlock.domains.governance.policies.config import ContentConfig
from interlock.domains.governance.policies.patterns import compile_pattern, spans


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a content policy objects to, by the name its author gave it."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"


class Screener:
    """One content policy, compiled. Case does not matter to phrases; a word is not found inside a longer one."""

    def __init__(self, config: ContentConfig) -> None:
        self._deny = tuple(phrase.casefold() for phrase in config.deny)
        self._allow = tuple(phrase.casefold() for phrase in config.allow)
        self._patterns = tuple((pattern.name, compile_pattern(pattern.regex)) for pattern in config.patterns)

    def screen(self, text: str) -> list[Finding]:
        """What it objects to in a text, each name once."""
        folded = text.casefold()
        allowed = [span for phrase in self._allow for span in _occurrences(folded, phrase)]
        found = [
            Finding("phrase", phrase)
            for phrase in self._deny
            if any(not _inside(span, allowed) for span in _occurrences(folded, phrase))
        ]
        # Patterns see the text as written, whose places equal the folded ones only where folding keeps every length.
        exempt = allowed if len(folded) == len(text) else []
        found += [
            Finding("pattern", name)
            for name, pattern in self._patterns
            if any(not _inside(span, exempt) for span in spans(pattern, text))
        ]
        return found


def _occurrences(text: str, phrase: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = text.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        joined_before = at > 0 and text[at - 1].isalnum() and phrase[0].isalnum()
        joined_after = end < len(text) and text[end].isalnum() and phrase[-1].isalnum()
        if not (joined_before or joined_after):
            found.append((at, end))
        at = text.find(phrase, at + 1)
    return found


def _inside(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)
