"""Tables of the settings domain."""

from sqlalchemy import Column, Index, LargeBinary, Table

from interlock.domains.settings.views import SettingsId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

workspace_settings = Table(
    "workspace_settings",
    tables.metadata,
    tables.key(),
    tables.guid(SettingsId),
    tables.reference("workspace_id", WorkspaceId),
    # Only what was set; what is absent has its default, also after the default has changed.
    Column("chosen", tables.Json, nullable=False),
    Column("sealed", LargeBinary),
    tables.moment("updated_at"),
    Index("uq_workspace_settings_workspace_id", "workspace_id", unique=True),
)
