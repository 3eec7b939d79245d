"""Samples of workflows."""

from tests.contracts.world import ENDINGS, Build, Sample, World, nothing, reference, unique

NODES = [{"id": "start", "kind": "trigger"}, {"id": "end", "kind": "output", "config": {"value": "{{ input }}"}}]
EDGES = [{"source": "start", "target": "end"}]


async def _create(_world: World) -> Sample:
    return Sample({"name": unique("workflow"), "nodes": NODES, "edges": EDGES})


async def _update(world: World) -> Sample:
    made = await world.made("workflows.create")
    return Sample({"workflow_id": made, "status": "published", "nodes": NODES[:1], "edges": []})


async def _run(world: World) -> Sample:
    return Sample({"workflow_id": await world.made("workflows.create"), "input_data": {"prompt": "hello"}})


async def _check(_world: World) -> Sample:
    return Sample({"nodes": NODES, "edges": EDGES})


async def _ended(world: World) -> Sample:
    run = await world.run("workflows.run")
    await world.next_event(run.id, set(ENDINGS))
    return Sample({"workflow_id": run.workflow_id, "run_id": run.id})


async def _run_again(world: World) -> Sample:
    return Sample({"run_id": (await _ended(world)).payload["run_id"]})


async def _import(_world: World) -> Sample:
    nodes = [{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "parameters": {}}]
    return Sample({"workflow": {"name": unique("imported"), "nodes": nodes, "connections": {}}})


async def _version(world: World) -> Sample:
    return Sample({"workflow_id": await world.made("workflows.create"), "version": 1})


async def _apply(world: World) -> Sample:
    text = f"name: {unique('applied')}\nnodes: [{{id: start, kind: trigger}}]\n"
    return Sample({"workflow_id": await world.made("workflows.create"), "text": text})


async def _import_text(_world: World) -> Sample:
    return Sample({"text": f"name: {unique('imported')}\nnodes: [{{id: start, kind: trigger}}]\n"})


async def _at_work(_world: World) -> Sample:
    return Sample({"since": "2026-01-01T00:00:00Z"})


async def _node_steps(world: World) -> Sample:
    return Sample({**(await _ended(world)).payload, "node": "end"})


SAMPLES: dict[str, Build] = {
    "workflows.apply_text": _apply,
    "workflows.at_work": _at_work,
    "workflows.check": _check,
    "workflows.create": _create,
    "workflows.delete": reference("workflow_id", "workflows.create"),
    "workflows.export": reference("workflow_id", "workflows.create"),
    "workflows.get": reference("workflow_id", "workflows.create"),
    "workflows.get_run": _ended,
    "workflows.get_version": _version,
    "workflows.import_file": _import,
    "workflows.import_text": _import_text,
    "workflows.kinds": nothing,
    "workflows.list": nothing,
    "workflows.node_steps": _node_steps,
    "workflows.progress": _ended,
    "workflows.run": _run,
    "workflows.run_again": _run_again,
    "workflows.update": _update,
    "workflows.versions": reference("workflow_id", "workflows.create"),
}
