"""Hooks, as a client uses them: made, listed, called with a signature."""

import hashlib
import hmac

import orjson

from tests.contracts.drives import ENTRIES, Recorder


async def drive(recorder: Recorder) -> None:
    """Make a hook for a published workflow and call it."""
    workflow = await recorder.call("POST /api/v1/workflows", {"name": "hooked"})
    await recorder.call("PATCH /api/v1/workflows/{workflow_id}", {"status": "published"}, workflow_id=workflow["id"])
    hook = await recorder.call("POST /api/v1/hooks", {"workflow_id": workflow["id"], "slug": "driven"})
    assert hook["url"].endswith("/hooks/driven")
    await recorder.call("GET /api/v1/hooks")
    name = "POST /hooks/{slug}"
    body = orjson.dumps({"order": "NW-10482"})
    signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    answer = await recorder.server.http.post(
        "/hooks/driven", content=body, headers={"x-stryda-signature": f"sha256={signature}"}
    )
    assert answer.status_code == ENTRIES[name]["response"]["status"], answer.text
    recorder.replies[name].append(answer.json())
