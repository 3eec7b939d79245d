"""What a reviewer's edit of a held call means: whatever was left as it was shown stays as it was asked; pure.

Reviewers see masked arguments. Without this, approving with one field changed would send the stand-ins of all others.
"""

import re
from typing import Any, NamedTuple

from interlock.domains.governance.approvals.errors import unfit_edit
from interlock.kit.canonical import canonical_json

_STAND_IN = re.compile(r"\[masked:[a-z0-9_-]{1,40}\]")
_MISSING = object()


class _Pair(NamedTuple):
    """A value as it was shown and as it was asked."""

    shown: Any
    stored: Any


def restored(edited: Any, shown: Any, stored: Any) -> Any:
    """The edit with what nobody was shown put back.

    Args:
        edited: what the reviewer wrote.
        shown: what the reviewer saw.
        stored: what was asked.

    Raises:
        InterlockError: invalid, where a masked part was changed or moved so that nobody can say what is meant.
    """
    return _restored(edited, _Pair(shown, stored), "")


def masked_paths(shown: Any, stored: Any = _MISSING) -> list[str]:
    """Where something was masked: where the two differ, or by the stand-ins where the stored one is gone."""
    found: list[str] = []
    _compare(shown, stored, "", found)
    return found


def _restored(edited: Any, pair: _Pair, path: str) -> Any:
    if pair.shown is not _MISSING and _same(edited, pair.shown):
        return pair.stored
    if isinstance(edited, dict):
        return {key: _restored(value, _under(pair, key), _join(path, key)) for key, value in edited.items()}
    if isinstance(edited, list):
        return _restored_list(edited, pair, path)
    if isinstance(edited, str) and _STAND_IN.search(edited) and not _says(pair.stored, edited):
        raise unfit_edit("still holds a masked part; write it out, or leave the field as it was.", path)
    return edited


def _restored_list(edited: list[Any], pair: _Pair, path: str) -> list[Any]:
    if not (isinstance(pair.shown, list) and isinstance(pair.stored, list)) or len(pair.shown) != len(pair.stored):
        return [_restored(item, _Pair(_MISSING, _MISSING), _join(path, place)) for place, item in enumerate(edited)]
    if len(edited) == len(pair.shown):
        pairs = zip(pair.shown, pair.stored, strict=True)
        return [
            _restored(item, _Pair(*known), _join(path, place))
            for place, (item, known) in enumerate(zip(edited, pairs, strict=True))
        ]
    return [_moved(item, pair, _join(path, place)) for place, item in enumerate(edited)]


def _moved(item: Any, pair: _Pair, path: str) -> Any:
    """An item of a list that has become longer or shorter: found again by what it looked like."""
    meant = [stored for shown, stored in zip(pair.shown, pair.stored, strict=True) if _same(shown, item)]
    if not meant:
        return _restored(item, _Pair(_MISSING, _MISSING), path)
    if any(other != meant[0] for other in meant):
        raise unfit_edit("several masked items look the same, so nobody can say which one is meant.", path)
    return meant[0]


def _under(pair: _Pair, key: str) -> _Pair:
    if isinstance(pair.shown, dict) and isinstance(pair.stored, dict) and key in pair.shown and key in pair.stored:
        return _Pair(pair.shown[key], pair.stored[key])
    return _Pair(_MISSING, _MISSING)


def _same(one: Any, other: Any) -> bool:
    """As JSON: to Python, true would be 1."""
    return canonical_json(one) == canonical_json(other)


def _says(stored: Any, text: str) -> bool:
    """Whether the stored value holds the same stand-ins by itself, so that they are words and no masks."""
    return isinstance(stored, str) and all(mark in stored for mark in _STAND_IN.findall(text))


def _compare(shown: Any, stored: Any, path: str, found: list[str]) -> None:
    if isinstance(shown, dict):
        for key, value in shown.items():
            inner = stored.get(key, _MISSING) if isinstance(stored, dict) else _MISSING
            _compare(value, inner, _join(path, key), found)
    elif isinstance(shown, list):
        same = isinstance(stored, list) and len(stored) == len(shown)
        for place, value in enumerate(shown):
            _compare(value, stored[place] if same else _MISSING, _join(path, place), found)
    elif stored is _MISSING:
        if isinstance(shown, str) and _STAND_IN.search(shown):
            found.append(path)
    elif shown != stored:
        found.append(path)


def _join(path: str, part: str | int) -> str:
    return f"{path}.{part}" if path else str(part)
