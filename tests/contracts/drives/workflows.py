"""Workflows used as a client would."""

from tests.contracts.drives import Recorder
from tests.support.story import finished, write_script

PREFIXES = {"workflow_id": "wf"}


async def drive(recorder: Recorder) -> None:
    """Define, publish, run with a model and a tool, read the run, delete."""
    call, server = recorder.call, recorder.server
    model = write_script(server.runtime.settings.data_dir, "greeting", "Good day.")
    nodes = [
        {"id": "start", "kind": "trigger"},
        {"id": "classify", "kind": "ai", "config": {"model": model, "prompt": "{{ trigger.prompt }}"}},
        {
            "id": "tell",
            "kind": "tool",
            "config": {
                "tool": "comms.send_slack_message",
                "arguments": {"channel": "#ops", "text": "{{ trigger.prompt }}"},
            },
        },
    ]
    edges = [{"source": "start", "target": "classify"}, {"source": "classify", "target": "tell"}]
    made = await call("POST /api/v1/workflows", {"name": "Triage", "description": "Sorts mail."})
    change = {"status": "published", "nodes": nodes, "edges": edges, "budget": {"per_run_cap": 1}}
    await call("PATCH /api/v1/workflows/{workflow_id}", change, workflow_id=made["id"])
    await call("GET /api/v1/workflows/{workflow_id}", workflow_id=made["id"])
    await call("GET /api/v1/workflows")
    data = {"input_data": {"prompt": "hello"}}
    run = await call("POST /api/v1/workflows/{workflow_id}/run", data, workflow_id=made["id"])
    await finished(server, run["run_id"])
    where = {"workflow_id": made["id"], "run_id": run["run_id"]}
    await call("GET /api/v1/workflows/{workflow_id}/runs/{run_id}", **where)
    await call("GET /api/v1/runs", workflow_id=made["id"])
    await call("DELETE /api/v1/workflows/{workflow_id}", workflow_id=made["id"])
