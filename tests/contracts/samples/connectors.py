"""Samples of the integrations directory."""

from tests.contracts.world import Build, nothing

SAMPLES: dict[str, Build] = {"connectors.directory": nothing}
