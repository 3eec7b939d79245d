"""What the server tells its operator: structured logs without secrets, and optional OpenTelemetry spans.

OpenTelemetry is an extra: `_tracing` is the one place that loads it, and only when an endpoint is configured.
"""

import importlib
import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TextIO, cast

import orjson
import structlog

from interlock import __version__
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.settings import Settings

MASK = "[redacted]"
_DEEPEST = 8
_SECRET_KEY = re.compile(
    r"(password|passwd|passphrase|secret|secret_?key|token|authorization|cookie|api_?key|private_?key|master_?key)$",
    re.IGNORECASE,
)
# The kept part names the kind of credential; the rest is what must not be told.
_SECRET_TEXT = re.compile(
    r"""
    \b( (?:sk|rk|pk)_(?:live|test)_ | skk_ | ptk_ | whsec_ | xox[abeoprs]- | xapp- | ghp_ | gho_ | github_pat_ | glpat-
      | AIza | sess_ | sk-(?:ant-|proj-|or-)? )[A-Za-z0-9_.\-/+=]{6,}
  | \b( (?:Bearer|Basic)\s+ )[A-Za-z0-9_.\-/+=~]{6,}
  | \b( eyJ )[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*
  | ( \b[a-z][a-z0-9+.\-]*:// )[^\s/@:]*:[^\s/@]+(?=@)
  | ( (?:password|secret|token|api_?key|authorization)["']?\s*[=:]\s*["']? )(?!\[redacted)[^\s"'&,;}]{3,}
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Span(Protocol):
    """A piece of work being timed."""

    def set(self, **attributes: Any) -> None:
        """Add facts that are known only now."""
        ...


class _NoSpan:
    """Stands in while tracing is off; one instance serves everybody."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def set(self, **attributes: Any) -> None:
        """Nothing listens."""


class _Tracing:
    """The tracer of this process, once configured."""

    tracer: Any = None
    provider: Any = None


_NO_SPAN = _NoSpan()


class _StandardError:
    """Standard error as it is when something is written, whoever replaced or closed it meanwhile."""

    def write(self, text: str) -> int:
        """Write to what is standard error now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush what is standard error now."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return sys.stderr.isatty()


def configure(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send logs of this process, our own and the libraries', to stderr in the configured form, and start tracing.

    Raises:
        InterlockError: an OTLP endpoint is configured but OpenTelemetry is not installed.
    """
    out = stream or cast("TextIO", _StandardError())
    level = getattr(logging, settings.log_level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = _renderer(settings, out)
    structlog.configure(
        processors=[*shared, redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    shut_down()
    if settings.otlp_endpoint:
        _Tracing.provider = _tracing(settings.otlp_endpoint)
        _Tracing.tracer = _Tracing.provider.get_tracer("interlock", __version__)


def shut_down() -> None:
    """Send the spans that still wait, and stop tracing."""
    provider, _Tracing.provider, _Tracing.tracer = _Tracing.provider, None, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def bound_request(request_id: str, method: str, path: str) -> Iterator[Span]:
    """Name the request in every log line of its task, and time it.

    Args:
        path: goes to the span only, with credentials masked.
    """
    with (
        structlog.contextvars.bound_contextvars(request_id=request_id),
        span("http.request", method=method, path=path, request_id=request_id) as current,
    ):
        try:
            yield current
        finally:
            structlog.contextvars.unbind_contextvars("workspace")


def bind_workspace(workspace_id: object) -> None:
    """Name the workspace in the rest of this task's log lines, once the caller is known."""
    structlog.contextvars.bind_contextvars(workspace=str(workspace_id))


def span(name: str, **attributes: Any) -> AbstractContextManager[Span]:
    """Time a piece of work, such as `operation`, `tool.stage` or `model.call`; nearly free while tracing is off."""
    return _NO_SPAN if _Tracing.tracer is None else _recorded(name, attributes)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: masks secret-looking keys and text, whatever the value's type."""
    return {key: MASK if _SECRET_KEY.search(key) else _scrubbed(value, 0) for key, value in event.items()}


def scrub(text: str) -> str:
    """The text with everything that looks like a credential masked."""
    return _SECRET_TEXT.sub(lambda match: next((kept for kept in match.groups() if kept), "") + MASK, text)


def _scrubbed(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth < _DEEPEST:
        return {
            str(key): MASK if _SECRET_KEY.search(str(key)) else _scrubbed(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_scrubbed(item, depth + 1) for item in value]
    return scrub(str(value))


def _renderer(settings: Settings, out: TextIO) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(serializer=_dumps)
    console = structlog.dev.ConsoleRenderer(
        colors=out.isatty(),
        # The default prints the local variables of every frame, secrets included.
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        # A line break in a message could pass for a log line of its own.
        event["event"] = str(event.get("event", "")).replace("\r", "\\r").replace("\n", "\\n")
        return str(console(logger, method, event))

    return render


def _dumps(value: Any, **_options: Any) -> str:
    return orjson.dumps(value).decode()


@contextmanager
def _recorded(name: str, attributes: dict[str, Any]) -> Iterator[Span]:
    recording = _RecordedSpan()
    with _Tracing.tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as real:
        recording.real = real
        recording.set(**attributes)
        try:
            yield recording
        except BaseException as error:
            # The type alone: messages of errors may carry what a caller sent.
            recording.set(error=error.code if isinstance(error, InterlockError) else type(error).__name__)
            raise


class _RecordedSpan:
    real: Any = None

    def set(self, **attributes: Any) -> None:
        """Add facts, masked as in the logs."""
        for key, value in redact(None, "", attributes).items():
            if value is not None:
                self.real.set_attribute(key, value if isinstance(value, bool | int | float) else str(value))


def _tracing(endpoint: str) -> Any:
    """A tracer provider that sends batches over OTLP/HTTP; the one place where OpenTelemetry is loaded."""
    try:
        resources = importlib.import_module("opentelemetry.sdk.resources")
        trace = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise InterlockError(
            Kind.UNAVAILABLE,
            "INTERLOCK_OTLP_ENDPOINT is set, but OpenTelemetry is not installed.",
            code="telemetry_not_installed",
            hint="Install it with `pip install 'interlock[telemetry]'`, or unset INTERLOCK_OTLP_ENDPOINT.",
        ) from error
    url = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else endpoint.rstrip("/") + "/v1/traces"
    resource = resources.Resource.create({"service.name": "interlock", "service.version": __version__})
    provider = trace.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=url)))
    return provider
