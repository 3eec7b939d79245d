"""What can be wrong with a memory."""

from interlock.kit.errors import InterlockError, conflict, invalid
from interlock.kit.ids import TypedId


def remembered_already(existing: TypedId) -> InterlockError:
    """A change would make two memories of one owner the same."""
    return conflict(
        "This owner remembers the same content already.",
        code="memory_exists",
        hint="Delete one of the two, or change the other.",
        id=str(existing),
    )


def owner_incomplete(kind: str) -> InterlockError:
    """A user's, identity's or agent's memory without saying whose."""
    return invalid(f"'owner_id' is needed when 'owner_kind' is '{kind}'.", field="owner_id")


def owner_superfluous() -> InterlockError:
    """The workspace is known already."""
    return invalid(
        "'owner_id' does not go with a workspace's memory.",
        field="owner_id",
        hint="Leave it out, or say in 'owner_kind' whose id it is.",
    )
