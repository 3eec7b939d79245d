"""A lazy module is imported when it is used, and a database at its newest schema is recognised without Alembic."""

import subprocess
import sys
from pathlib import Path

import pytest

from interlock.runtime import migrations
from interlock.runtime.lazy import lazy, loaded
from interlock.runtime.settings import Settings


def settings_in(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url=None)


def test_a_lazy_module_is_imported_at_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = lazy("colorsys")
    assert "colorsys" not in sys.modules
    assert module.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert "colorsys" in sys.modules


def test_a_name_the_module_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lazy("colorsys").no_such_name


async def test_loading_gives_the_module_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = await loaded("colorsys")
    assert module is sys.modules["colorsys"]
    assert await loaded("colorsys") is module


def test_the_second_upgrade_does_not_load_alembic(tmp_path: Path) -> None:
    migrations.upgrade(settings_in(tmp_path))
    code = (
        "import sys; from pathlib import Path; from interlock.runtime import migrations;"
        "from interlock.runtime.settings import Settings;"
        f"migrations.upgrade(Settings(data_dir=Path({str(tmp_path)!r}), database_url=None));"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("files", "newest"),
    [
        ({"a.py": 'revision = "1"\ndown_revision = None\n'}, "1"),
        (
            {
                "a.py": 'revision = "1"\ndown_revision = None\n',
                "b.py": "revision: str = '2'\ndown_revision: str | None = '1'\n",
            },
            "2",
        ),
        (
            {
                "a.py": 'revision = "1"\ndown_revision = None\n',
                "b.py": 'revision = "2"\ndown_revision = "1"\n',
                "c.py": 'revision = "3"\ndown_revision = "1"\n',
            },
            None,
        ),
        ({"a.py": 'revision = "3"\ndown_revision = ("1", "2")\n'}, None),
        ({}, None),
    ],
)
def test_the_newest_revision_is_told_by_the_files_where_they_form_one_line(
    files: dict[str, str], newest: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "versions").mkdir()
    for name, text in files.items():
        (tmp_path / "versions" / name).write_text(text)
    monkeypatch.setattr(migrations, "script_location", lambda: tmp_path)
    assert migrations._newest() == newest


def test_a_start_loads_no_library_that_costs_seconds_and_may_never_be_needed() -> None:
    """Each of these made every start slower once; make it `lazy`, or load it with its first use."""
    code = (
        "import sys, interlock.main;"
        "print(*sorted({'pydantic_ai', 'mcp', 'openai', 'anthropic', 'google.genai', 'dbos', 'alembic', 'asyncpg',"
        "'sqlalchemy.orm', 'numpy', 'onnxruntime', 'xllamacpp', 'jinja2', 'opentelemetry'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
