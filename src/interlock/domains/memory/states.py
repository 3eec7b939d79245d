"""Whose a memory is, what kind of memory, and what it is recalled for."""

from enum import StrEnum


class OwnerKind(StrEnum):
    """Whose memory it is: everybody's of the workspace, or one person's, identity's or agent's."""

    WORKSPACE = "workspace"
    USER = "user"
    IDENTITY = "identity"
    AGENT = "agent"


class MemoryType(StrEnum):
    """What is remembered; the native pair first, then what identities and task profiles remember."""

    USER = "user"
    BUSINESS = "business"

    IDENTITY = "identity"
    RELATIONSHIP = "relationship"
    CONVERSATION = "conversation"
    REFLECTION = "reflection"
    MILESTONE = "milestone"
    INSTRUCTION = "instruction"
    SESSION = "session"
    REFERENCE = "reference"
    FORGOTTEN_SHAPE = "forgotten_shape"

    FACT = "fact"
    PREFERENCE = "preference"
    PATTERN = "pattern"
    OUTCOME = "outcome"


class RecallPurpose(StrEnum):
    """What a memory was found for: somebody's search, or a prompt."""

    SEARCH = "search"
    PROMPT = "prompt"


class RecallReason(StrEnum):
    """What let a memory pass.

    The question named it by an identifier, it is near enough to a prompt, or it is among the best of a search.
    """

    NAMED = "named"
    NEAR = "near"
    BEST = "best"


class OccasionKind(StrEnum):
    """What a prompt belonged to."""

    RUN = "run"
    CHATBOT = "chatbot"
    CONVERSATION = "conversation"
