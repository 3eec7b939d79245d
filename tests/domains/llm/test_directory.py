"""Which providers and routes a call sees: also a call of a run, whose context knows no version of the rules."""

from dataclasses import replace

from interlock.domains.llm.directory import directory_of
from interlock.domains.settings import service as settings
from interlock.runtime.invoke import invoke
from tests.support.app import Server


async def test_a_run_sees_what_was_changed_since_the_last_one(server: Server) -> None:
    ctx = replace(await server.ctx(), workspace_version=0)
    for model, served in (
        ("scripted:refund-desk/conversation", "scripted:refund-desk/conversation"),
        ("smollm2", "local:smollm2-135m-instruct"),
    ):
        await invoke(await server.ctx(), settings.update, settings.UpdateSettings(default_model=model))
        assert [target.id for target in (await directory_of(ctx)).resolve("default")] == [served]
