"""Where conversation files may lie; `scripted:refund-desk` is `refund-desk.json` in one of those places."""

import re
from pathlib import Path

import interlock
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}(/[A-Za-z0-9][A-Za-z0-9._-]{0,79}){0,3}")
_SUFFIX = ".json"


def script_directories(settings: Settings) -> tuple[Path, ...]:
    """The operator's scripts first, then the examples that come with the product."""
    package = Path(interlock.__file__).resolve().parent
    return settings.data_dir / "scripts", package / "examples", package.parents[1] / "examples"


def script_named(settings: Settings, name: str) -> Path:
    """The file for a name such as `refund-desk` or `demo/refund-desk.json`.

    Raises:
        InterlockError: INVALID when the name would leave the directories, or no such file is there.
    """
    if _NAME.fullmatch(name):
        relative = name if name.endswith(_SUFFIX) else name + _SUFFIX
        for directory in script_directories(settings):
            root = directory.resolve()
            file = (root / relative).resolve()
            # A symbolic link may not lead out either.
            if file.is_relative_to(root) and file.is_file():
                return file
    known = script_names(settings)
    raise InterlockError(
        Kind.INVALID,
        f"There is no conversation file '{name[:100]}'.",
        code="unknown_script",
        data={"field": "model", "scripts": known},
        hint="Put it into the 'scripts' folder of the data directory, and name it as 'scripted:<file name>'.",
    )


def script_names(settings: Settings) -> list[str]:
    """Every conversation file by the name a model id uses."""
    found: dict[str, None] = {}
    for directory in script_directories(settings):
        for file in sorted(directory.glob("**/*" + _SUFFIX)) if directory.is_dir() else ():
            name = file.relative_to(directory).as_posix().removesuffix(_SUFFIX)
            if _NAME.fullmatch(name):
                found[name] = None
    return list(found)
