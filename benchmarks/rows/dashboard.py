"""The dashboard's first page: what it costs the server with a long history behind it, and what a browser is sent."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from benchmarks.figures import Figure, median
from benchmarks.processes import BenchmarkError
from benchmarks.workflows import THREE_STEPS, Bench, benched
from interlock import main
from interlock.domains.accounts.service import claiming
from interlock.domains.accounts.service.identify import anonymous
from interlock.faces.web.credentials import SESSION_COOKIE
from interlock.runtime.invoke import invoke

ROW = "dashboard"
PAGES = ("/", "/runs", "/workflows", "/agents", "/approvals", "/costs")
HISTORY = 100_000
SERVER_AIM_MS = 200
BYTES_AIM_KB = 100
_REQUESTS = 20
_ASSET = re.compile(rb"""(?:src|href)="(/assets/[^"]+)\"""")
_NOTE = (
    "First page: the home page of an owner, rendered in this process without a network; bytes: the page and every file "
    "it names, compressed, headers left out."
)


def run(_seconds: float, repetitions: int) -> list[Figure]:
    """The pages that list what has run, with and without a hundred thousand runs stored."""
    return asyncio.run(_measured(repetitions))


async def _measured(repetitions: int) -> list[Figure]:
    async with benched(THREE_STEPS) as fresh, benched(THREE_STEPS) as laden:
        laden.store(HISTORY)
        async with _visitor(fresh) as few, _visitor(laden) as many:
            figures = [await _page(path, few, many, repetitions) for path in PAGES]
            weight = await _weight(many)
    return [*figures, Figure(ROW, "first page with all it loads", weight / 1000, "kB", BYTES_AIM_KB, False)]


async def _page(path: str, few: httpx.AsyncClient, many: httpx.AsyncClient, repetitions: int) -> Figure:
    times = [(await _milliseconds(few, path), await _milliseconds(many, path)) for _ in range(repetitions)]
    few_ms, many_ms = median([pair[0] for pair in times]), median([pair[1] for pair in times])
    return Figure(
        ROW, f"{path}, {HISTORY:,} runs stored", many_ms, "ms", SERVER_AIM_MS, False,
        "the same, one run stored", few_ms, note=_NOTE if path == PAGES[0] else "",
    )  # fmt: skip


@asynccontextmanager
async def _visitor(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, signed in, without a network in between."""
    runtime = bench.ctx.runtime
    stranger = anonymous(runtime, request_id="bench", face="bench")
    claim = {
        "code": claiming.setup_code(runtime),
        "email": "owner@example.com",
        "name": "Owner",
        "password": "not a secret at all",
    }
    signed = await invoke(stranger, claiming.claim, claiming.ClaimServer.model_validate(claim))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=main.create_app(runtime)),
        base_url=runtime.settings.base_url,
        headers={"accept-encoding": "gzip", "cookie": f"{SESSION_COOKIE}={signed.token}"},
    ) as visitor:
        yield visitor


async def _milliseconds(visitor: httpx.AsyncClient, path: str) -> float:
    """The median of some requests for a page; the first, which builds the templates, is left out."""
    taken = []
    for _ in range(_REQUESTS + 1):
        began = time.perf_counter()
        answer = await visitor.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != httpx.codes.OK or b"<h1" not in answer.content:
            raise BenchmarkError(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    return median(taken[1:])


async def _weight(visitor: httpx.AsyncClient) -> int:
    """Bytes of the page and of every file it names, as they are sent."""
    page = await visitor.get("/")
    assets = [await visitor.get(path.decode()) for path in dict.fromkeys(_ASSET.findall(page.content))]
    if not assets:
        raise BenchmarkError("the home page names no file at all")
    return sum([int(answer.headers["content-length"]) for answer in (page, *assets)])
