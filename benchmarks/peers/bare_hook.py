"""The ceiling of a hook that answers: a Starlette POST that parses any JSON and commits one row with raw sqlite3."""

import sqlite3
import sys
import uuid

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def build(path: str) -> Starlette:
    """The application, over a fresh database file."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, guid TEXT UNIQUE, input TEXT, output TEXT)")

    async def receive(request: Request) -> Response:
        data = orjson.loads(await request.body())
        output = {"n": data["a"] * 2}
        guid = uuid.uuid4().hex
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "INSERT INTO runs (guid, input, output) VALUES (?, ?, ?)",
            (guid, orjson.dumps(data).decode(), orjson.dumps(output).decode()),
        )
        database.execute("COMMIT")
        return Response(
            orjson.dumps({"status": "completed", "run_id": guid, "output": output}), media_type="application/json"
        )

    return Starlette(routes=[Route("/hooks/bench", receive, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        build(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False,
        log_level="warning", server_header=False, proxy_headers=False,
    )  # fmt: skip
