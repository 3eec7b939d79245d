"""How a workflow is written down."""

from enum import StrEnum


class Format(StrEnum):
    """Both hold the same document."""

    YAML = "yaml"
    JSON = "json"
