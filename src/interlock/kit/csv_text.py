"""Rows as CSV that a spreadsheet reads and does not run. Source: RFC 4180; OWASP, CSV Injection."""

import csv
import io
from collections.abc import Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(text: str) -> str:
    """Text for one cell; what a spreadsheet would run as a formula is quoted with an apostrophe."""
    return "'" + text if text.startswith(_FORMULA) else text


def csv_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()
