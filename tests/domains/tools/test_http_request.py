"""The tool that calls any HTTP service."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Match, PolicyType
from interlock.domains.tools import execution
from interlock.domains.tools import service as tools
from interlock.domains.tools.adapters.http import CARE, MASK
from interlock.domains.tools.states import ToolStatus
from interlock.kit.errors import InterlockError
from tests.domains.tools.world import ToolWorld
from tests.support.echo import Echo, echoing

REQUEST = "http.request"
SECRETS = {"Authorization": "Bearer s3cret-1", "X-Api-Key": "s3cret-2", "cookie": "sid=s3cret-3", "Accept": "*/*"}


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as running:
        yield running


async def test_a_request_goes_out_as_asked_and_its_answer_is_the_result(either_world: ToolWorld, echo: Echo) -> None:
    caller = await either_world.client()
    outcome = await either_world.call(
        caller,
        REQUEST,
        key="k1",
        method="POST",
        url=f"{echo.url}/a?x=1#part",
        query={"tag": ["a", "b c"], "on": True, "gone": None},
        json={"n": 1},
    )
    assert outcome.status is ToolStatus.DONE, outcome.reason
    assert outcome.result is not None
    assert (outcome.result["status"], outcome.result["ok"]) == (200, True)
    assert outcome.result["json"]["query"] == {"x": ["1"], "tag": ["a", "b c"], "on": ["true"]}
    assert outcome.result["headers"]["content-type"].startswith("application/json")
    (heard,) = echo.heard
    assert (heard["method"], orjson.loads(heard["body"])) == ("POST", {"n": 1})
    assert heard["headers"]["idempotency-key"] == f"mcp_client:{caller.actor.id}:k1"


async def test_text_goes_and_comes_as_text_and_only_telling_headers_come_back(
    either_world: ToolWorld, echo: Echo
) -> None:
    caller = await either_world.client()
    outcome = await either_world.call(caller, REQUEST, method="PUT", url=f"{echo.url}/plain", text="grüß")
    assert outcome.result is not None
    assert outcome.result["text"] == "just\ufffdtext"
    assert outcome.result["headers"]["etag"] == '"1"'
    assert "set-cookie" not in outcome.result["headers"]
    assert (echo.heard[0]["body"], echo.heard[0]["headers"]["content-type"]) == ("grüß", "text/plain; charset=utf-8")


async def test_reading_carries_no_key(world: ToolWorld, echo: Echo) -> None:
    await world.call(await world.client(), REQUEST, url=echo.url, headers={"Accept": "*/*"})
    assert "idempotency-key" not in echo.heard[0]["headers"]


async def test_an_error_status_is_a_result_unless_failing_was_asked_for(world: ToolWorld, echo: Echo) -> None:
    caller = await world.client()
    told = await world.call(caller, REQUEST, url=f"{echo.url}/status/418")
    assert told.status is ToolStatus.DONE
    assert told.result is not None
    assert (told.result["status"], told.result["ok"]) == (418, False)
    failed = await world.call(caller, REQUEST, url=f"{echo.url}/status/418", fail_on_error=True)
    assert failed.status is ToolStatus.FAILED
    assert "418" in str(failed.reason)


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/away", "redirect"),
        ("GET", "/large", "larger than 1000000 bytes"),
        ("POST", "/cut", "not known whether it was done"),
    ],
)
async def test_what_it_does_not_do_is_told(world: ToolWorld, echo: Echo, method: str, path: str, says: str) -> None:
    outcome = await world.call(await world.client(), REQUEST, method=method, url=echo.url + path)
    assert outcome.status is ToolStatus.FAILED
    assert says in str(outcome.reason)
    assert len(echo.heard) == 1


async def test_a_reading_that_was_cut_is_tried_again(world: ToolWorld, echo: Echo) -> None:
    await world.call(await world.client(), REQUEST, url=f"{echo.url}/cut")
    assert len(echo.heard) > 1


async def test_private_addresses_are_refused(world: ToolWorld) -> None:
    outcome = await world.call(await world.client(), REQUEST, url="http://169.254.169.254/latest/meta-data")
    assert outcome.status is ToolStatus.FAILED
    assert "does not connect" in str(outcome.reason)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"url": "https://example.com", "method": "TRACE"},
        {"url": "https://example.com", "timeout_seconds": 31},
        {"url": "https://example.com", "headers": {"X": "a\r\nb: c"}},
        {"url": "https://example.com", "headers": {"X": 1}},
    ],
)
async def test_what_fits_no_request_is_refused(world: ToolWorld, arguments: dict[str, Any]) -> None:
    with pytest.raises(InterlockError) as caught:
        await world.call(await world.client(), REQUEST, **arguments)
    assert caught.value.code == "invalid_arguments"


async def test_a_scope_names_the_urls_a_caller_may_reach(world: ToolWorld, echo: Echo) -> None:
    caller = await world.client(tools=("http",), resources={"url": [f"{echo.url}/open/*"]})
    assert (await world.call(caller, REQUEST, url=f"{echo.url}/open/a")).status is ToolStatus.DONE
    refused = await world.call(caller, REQUEST, url=f"{echo.url}/closed")
    assert refused.status is ToolStatus.DENIED
    assert "url" in str(refused.reason)


async def test_secrets_reach_the_service_and_no_record(either_world: ToolWorld, echo: Echo) -> None:
    caller = await either_world.client()
    outcome = await either_world.call(
        caller, REQUEST, url=f"{echo.url}/x?api_key=s3cret-4&n=1", headers=SECRETS, query={"token": "s3cret-5"}
    )
    assert outcome.status is ToolStatus.DONE
    assert echo.heard[0]["headers"]["authorization"] == "Bearer s3cret-1"
    assert echo.heard[0]["query"] == {"api_key": ["s3cret-4"], "n": ["1"], "token": ["s3cret-5"]}
    async with (await either_world.base.fresh()).begin(write=False) as reading:
        kept = await tools.get_call(reading, tools.CallRef(call_id=outcome.call_id))
    assert "s3cret" not in kept.model_dump_json(exclude={"result"})
    assert kept.arguments["headers"] == {"Authorization": MASK, "X-Api-Key": MASK, "cookie": MASK, "Accept": "*/*"}
    (entry,) = await either_world.evidence()
    assert "s3cret" not in entry.model_dump_json()
    assert set(entry.masked_fields) == {
        "headers.Authorization", "headers.X-Api-Key", "headers.cookie", "query.token", "url",
    }  # fmt: skip


async def test_a_reviewer_sees_no_secret_and_may_leave_it_alone(world: ToolWorld, echo: Echo) -> None:
    held_first = policies.CreatePolicy(
        name="ask first", type=PolicyType.APPROVAL, mode=PolicyMode.PAUSE, match=Match(tools=("http.*",))
    )
    await world.base.call(policies.create, held_first)
    held = await world.call(
        await world.client(), REQUEST, method="POST", url=f"{echo.url}/a?sig=s3cret", headers=SECRETS
    )
    assert held.status is ToolStatus.ACTION_REQUIRED
    shown = await world.base.call(
        approvals.get, approvals.ApprovalRef.model_validate({"approval_id": held.escalation_id})
    )
    assert "s3cret" not in shown.model_dump_json()
    edited = {**shown.arguments, "text": "edited"}
    command = approvals.Approve.model_validate({"approval_id": held.escalation_id, "edited_output": edited})
    await world.base.call(approvals.approve, command)
    await world.deliver()
    (heard,) = echo.heard
    assert (heard["body"], heard["query"]) == ("edited", {"sig": ["s3cret"]})
    assert heard["headers"]["x-api-key"] == "s3cret-2"


class _PowerCutError(BaseException):
    """Stands for the end of the process after the request."""


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("POST", 1)])
async def test_after_a_crash_only_reading_is_done_again(
    world: ToolWorld, echo: Echo, monkeypatch: pytest.MonkeyPatch, method: str, sent: int
) -> None:
    async def gone(*_: object) -> Any:
        raise _PowerCutError

    caller = await world.client()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "_conclude", gone)
        with pytest.raises(_PowerCutError):
            await world.call(caller, REQUEST, key="k", method=method, url=echo.url)
    again = await world.call(caller, REQUEST, key="k", method=method, url=echo.url)
    assert len(echo.heard) == sent
    if method == "POST":
        assert again.status is ToolStatus.FAILED
        assert "not known" in str(again.reason)


_NAMES = st.sampled_from(["Authorization", "X-API-Key", "Set-Cookie", "Proxy-Authorization", "my_token", "Accept", "a"])
_VALUES = st.text(st.characters(codec="ascii", exclude_characters="*&;#"), min_size=1, max_size=8)


@given(st.dictionaries(_NAMES, _VALUES), st.dictionaries(_NAMES, _VALUES))
def test_what_a_reviewer_leaves_alone_comes_back_as_it_was(headers: dict[str, str], query: dict[str, str]) -> None:
    arguments = {"url": "https://example.com/?token=abc&n=1", "headers": headers, "query": query}
    shown, fields = CARE.conceal(arguments)
    assert all(shown[part][name] == MASK for part, _, name in (field.partition(".") for field in fields) if name)
    assert CARE.restore(shown, arguments) == arguments
