"""The doctor's checks: each looks at one thing and comes back with a finding, never with an exception."""

import os
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import orjson

import interlock
from interlock.domains.llm.embedded.chat import EmbeddedChat
from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from interlock.faces.cli import schema
from interlock.faces.cli.session import run
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.data_dir import LOCK_FILE
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

_PYTHON = (3, 11)
_COMFORTABLE_BYTES = 1_000_000_000
_LEAST_BYTES = 16_000_000
_CLOCK_TOLERANCE = timedelta(minutes=5)


class Grade(StrEnum):
    """Good, worth knowing, or to be mended."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw."""

    name: str
    grade: Grade
    detail: str
    remedy: str | None = None


def python_version(_settings: Settings) -> Finding:
    """Is the interpreter new enough?"""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _PYTHON:
        return Finding("python", Grade.FAIL, f"{found} is too old", "Install Python 3.11 or newer.")
    return Finding("python", Grade.OK, found)


def data_directory(settings: Settings) -> Finding:
    """Can this user write there, and nobody else read?"""
    directory = settings.data_dir
    existing = _existing(directory)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        remedy = "Point --data-dir or INTERLOCK_DATA_DIR at a directory that this user owns."
        return Finding("data directory", Grade.FAIL, f"{directory} cannot be written by this user", remedy)
    if not directory.exists():
        return Finding("data directory", Grade.NOTE, f"{directory} does not exist yet", "The first start makes it.")
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & 0o077:
        detail = f"{directory} has mode {mode:04o}: others can look inside"
        return Finding("data directory", Grade.FAIL, detail, f"Run `chmod 700 {directory}`.")
    return Finding("data directory", Grade.OK, f"{directory}, mode {mode:04o}")


def database(settings: Settings) -> Finding:
    """Does it answer, and is its schema this version's?"""
    name = "PostgreSQL" if settings.is_postgres else "SQLite"
    try:
        state = schema.inspect(settings)
    except InterlockError as error:
        if error.kind is Kind.NOT_FOUND:
            return Finding("database", Grade.NOTE, f"{name}: nothing there yet", "The first start makes it.")
        return Finding("database", Grade.FAIL, error.message, error.hint)
    if state.is_current:
        return Finding("database", Grade.OK, f"{name} answers, schema {', '.join(sorted(state.present))}")
    if state.is_new or state.is_older:
        return Finding("database", Grade.NOTE, f"{name}: schema is older", "The next start upgrades it; back up first.")
    found = ", ".join(sorted(state.present))
    remedy = "Run the newer version, or restore a backup made with this one."
    return Finding("database", Grade.FAIL, f"{name}: schema {found} is of a newer version", remedy)


def master_key(settings: Settings) -> Finding:
    """Is there a usable master key, kept private?"""
    configured = settings.master_key.get_secret_value() if settings.master_key else None
    path = settings.data_dir / "master.key"
    if configured is None and not path.exists():
        return Finding(
            "master key", Grade.NOTE, "none yet", "The first start makes one; keep a copy with your backups."
        )
    try:
        secrets = load_secrets(settings.data_dir, configured)
    except InterlockError as error:
        return Finding("master key", Grade.FAIL, error.message, error.hint)
    except OSError as error:
        return Finding("master key", Grade.FAIL, f"{path}: {error.strerror}", "Run as the user that owns the data.")
    source = "from INTERLOCK_MASTER_KEY" if configured is not None else f"from {path}"
    return Finding("master key", Grade.OK, f"{source}, fingerprint {secrets.fingerprint[:8]}")


def disk_space(settings: Settings) -> Finding:
    """Is there room to write?"""
    place = _existing(settings.data_dir)
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:.1f} GB free at {place}"
    if free < _LEAST_BYTES:
        return Finding("disk space", Grade.FAIL, told, "Free space: the server refuses to start below 16 MB.")
    if free < _COMFORTABLE_BYTES:
        return Finding("disk space", Grade.NOTE, told, "Free space soon: evidence and history only grow.")
    return Finding("disk space", Grade.OK, told)


def clock(settings: Settings) -> Finding:
    """Could the clock be right? It may not be earlier than what was already written by it."""
    now = datetime.now(UTC)
    witnesses = [Path(interlock.__file__), settings.data_dir / "interlock.db"]
    latest = max(
        (datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in witnesses if path.exists()), default=now
    )
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if latest > now + _CLOCK_TOLERANCE:
        remedy = "Set the clock (NTP): evidence and attestations carry its time."
        return Finding(
            "clock", Grade.FAIL, f"{told} is earlier than files written at {latest:%Y-%m-%d %H:%M:%S}", remedy
        )
    return Finding("clock", Grade.OK, told)


def embedding_model(settings: Settings) -> Finding:
    """Does the embedded embedding model load?"""
    with tempfile.TemporaryDirectory(prefix="interlock-doctor-") as scratch:
        there = settings.data_dir.is_dir() and os.access(settings.data_dir, os.W_OK)
        place = settings.data_dir if there else Path(scratch)
        return _loads("embedding model", EmbeddedEmbedder(place).load)


def chat_model(_settings: Settings) -> Finding:
    """Does the embedded chat model load and say a word?"""
    return _loads("chat model", lambda: run(_one_word()))


async def _one_word() -> None:
    chat = EmbeddedChat()
    try:
        await chat.draft("Say hello.", 1)
    finally:
        await chat.aclose()


def _loads(name: str, load: Callable[[], None]) -> Finding:
    try:
        load()
    except InterlockError as error:
        return Finding(name, Grade.FAIL, error.message, error.hint)
    except (ImportError, OSError, RuntimeError) as error:
        return Finding(name, Grade.FAIL, f"does not load: {error}", "Install Interlock's dependencies anew.")
    return Finding(name, Grade.OK, "the embedded one loads")


def provider_keys(settings: Settings) -> Finding:
    """Which model providers can be used beside the embedded models?"""
    keys = {
        "OpenAI": settings.openai_api_key,
        "Anthropic": settings.anthropic_api_key,
        "Google": settings.google_api_key,
        "OpenRouter": settings.openrouter_api_key,
        "Ollama": settings.ollama_url,
    }
    present = [name for name, key in keys.items() if key]
    if present:
        return Finding("model providers", Grade.OK, ", ".join(present))
    remedy = (
        "Set INTERLOCK_ANTHROPIC_API_KEY, INTERLOCK_OPENAI_API_KEY, INTERLOCK_GOOGLE_API_KEY or INTERLOCK_OLLAMA_URL."
    )
    return Finding("model providers", Grade.NOTE, "none: only the embedded models answer", remedy)


def port(settings: Settings) -> Finding:
    """Is the server's address free, or taken by this very server?"""
    address = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with closing(socket.create_server((settings.host, settings.port), family=family)):
            return Finding("port", Grade.OK, f"{address} is free")
    except OSError as error:
        holder = _running_on(settings)
        if holder is not None:
            return Finding("port", Grade.OK, f"{address}: this server runs there (process {holder})")
        remedy = "Stop the other program, or choose another INTERLOCK_PORT or INTERLOCK_HOST."
        return Finding("port", Grade.FAIL, f"{address}: {error.strerror or error}", remedy)


def _running_on(settings: Settings) -> int | None:
    """The process id of the server that holds this data directory and listens on this port."""
    try:
        facts = orjson.loads((settings.data_dir / LOCK_FILE).read_bytes())
        held = int(facts["port"]) == settings.port
        process = int(facts["pid"])
        os.kill(process, 0)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return process if held else None


def _existing(path: Path) -> Path:
    """The path, or the nearest parent that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    python_version,
    data_directory,
    database,
    master_key,
    disk_space,
    clock,
    embedding_model,
    chat_model,
    provider_keys,
    port,
)
