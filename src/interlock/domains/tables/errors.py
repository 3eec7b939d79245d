"""Errors of the tables domain: they name the column and the remedy."""

from interlock.kit.errors import InterlockError, invalid


def wrong_value(column: str, problem: str, hint: str | None = None) -> InterlockError:
    """A value that does not fit its column."""
    return invalid(f"Column '{column}' {problem}", field=f"data.{column}", hint=hint, column=column)


def wrong_column(column: str, problem: str, hint: str | None = None) -> InterlockError:
    """A definition or use of a column that cannot be."""
    return invalid(f"Column '{column}' {problem}", field="columns", hint=hint, column=column)
