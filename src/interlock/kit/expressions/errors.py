"""What an expression can do wrong, and where."""

from typing import Self


class ExpressionError(ValueError):
    """An expression that cannot be read, or cannot be evaluated with these values.

    Args:
        message: one sentence for the person who wrote the expression.
        position: offset of the culprit in the text, where it is known.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return self.message if self.position is None else f"{self.message} (at position {self.position})"

    def located(self, position: int) -> Self:
        """The same error; it keeps the place it already has."""
        return self if self.position is not None else type(self)(self.message, position)
