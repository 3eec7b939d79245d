"""The life of a workflow, and what its nodes may be."""

from enum import StrEnum


class WorkflowStatus(StrEnum):
    """A draft runs by hand only; hooks, forms, schedules and tables start published ones."""

    DRAFT = "draft"
    PUBLISHED = "published"


class OnError(StrEnum):
    """What a failing node does to its run; an edge of the branch `error` goes before either."""

    FAIL = "fail"
    CONTINUE = "continue"


class Category(StrEnum):
    """Where a kind of node stands in the palette."""

    START = "start"
    AI = "ai"
    ACTION = "action"
    DATA = "data"
    FLOW = "flow"
    PEOPLE = "people"
