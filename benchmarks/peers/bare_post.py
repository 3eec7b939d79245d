"""The ceiling of a verdict: a Starlette POST that validates a body, hashes it and commits one row with raw sqlite3."""

import hashlib
import sqlite3
import sys
import uuid
from typing import Any

import orjson
import uvicorn
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Check(BaseModel):
    """The body of a check, as the real endpoint takes it."""

    tool: str = Field(min_length=1, max_length=200)
    action_type: str = Field(default="tool_call", pattern=r"^[a-z][a-z0-9_.]{0,63}$")
    args: dict[str, Any] = Field(default_factory=dict)
    cost_estimate: float = Field(default=0.0, ge=0)
    agent_id: str = "default"


class Stored(BaseModel):
    """The answer."""

    id: str
    decision: str


def build(path: str) -> Starlette:
    """The application, over a fresh database file."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE checks (id INTEGER PRIMARY KEY, guid TEXT UNIQUE, tool TEXT, hash TEXT, body TEXT)")

    async def check(request: Request) -> Response:
        body = Check.model_validate_json(await request.body())
        digest = hashlib.sha256(orjson.dumps(body.args, option=orjson.OPT_SORT_KEYS)).hexdigest()
        guid = uuid.uuid4().hex
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "INSERT INTO checks (guid, tool, hash, body) VALUES (?, ?, ?, ?)",
            (guid, body.tool, digest, body.model_dump_json()),
        )
        database.execute("COMMIT")
        stored = Stored(id=guid, decision="authorized")
        return Response(stored.model_dump_json(), media_type="application/json")

    return Starlette(routes=[Route("/check", check, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        build(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False,
        log_level="warning", server_header=False, proxy_headers=False,
    )  # fmt: skip
