"""News of the settings domain."""

from typing import ClassVar

from interlock.runtime.events import Event


class RiskSettingsChanged(Event):
    """The weights or the threshold of risk scores changed, so every system must be weighed again."""

    name: ClassVar[str] = "settings.risk_changed"
