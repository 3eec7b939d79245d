"""Whose a memory is, and what kind of memory."""

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
