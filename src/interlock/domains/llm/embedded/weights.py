"""Finds the model weights that come as Python packages."""

import importlib.util
from pathlib import Path

from interlock.kit.errors import InterlockError, Kind


def package_file(package: str, relative: str, distribution: str) -> Path:
    """Find a file inside an installed weights package without importing that package.

    Raises:
        InterlockError: UNAVAILABLE when the package or the file is missing; the hint names what to install.
    """
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).parent / relative if spec and spec.origin else None
    if found is None or not found.is_file():
        raise InterlockError(
            Kind.UNAVAILABLE,
            f"The embedded model's weights ({package}/{relative}) are not installed.",
            code="embedded_model_missing",
            data={"package": distribution, "file": relative},
            hint=f"Install the package '{distribution}', or route to a remote model.",
        )
    return found
