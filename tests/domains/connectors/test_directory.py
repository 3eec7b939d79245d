"""The integrations directory: honest counters, filters, and no connecting of what is only announced."""

import re

import pytest

from interlock.domains.connectors.announced import ANNOUNCED
from interlock.domains.connectors.kinds import CONNECTORS
from interlock.domains.connectors.views import ConnectorKind
from tests.support.app import Server

PATH = "/api/v1/integrations"
SLACK = {"credentials": {"token": "xoxb-1111-2222-sample"}, "base_url": "http://127.0.0.1:9"}
UNFIT, CONFLICT = 422, 409


def test_announced_systems_are_data_that_no_connector_takes_twice() -> None:
    assert not set(ANNOUNCED) & {kind.value for kind in ConnectorKind}
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", key) for key in ANNOUNCED)
    names = [system.name.casefold() for system in ANNOUNCED.values()]
    names += [facts.name.casefold() for facts in CONNECTORS.values()]
    assert len(set(names)) == len(names)


async def test_what_is_available_is_what_has_an_adapter(server: Server) -> None:
    told = (await server.get(PATH)).json()
    usable = {found["id"] for found in told["integrations"] if found["available"]}
    assert usable == {kind.integration_id for kind in ConnectorKind}
    assert (told["total"], told["available"], told["coming_soon"], told["connected"]) == (
        len(CONNECTORS) + len(ANNOUNCED),
        len(CONNECTORS),
        len(ANNOUNCED),
        0,
    )
    assert all("connected_at" not in found for found in told["integrations"])


async def test_a_connection_shows_in_its_own_workspace_only_and_goes_again(server: Server) -> None:
    await server.post(f"{PATH}/int_slack/connect", SLACK)
    told = (await server.get(PATH, connected="true")).json()
    assert [(found["id"], "connected_at" in found) for found in told["integrations"]] == [("int_slack", True)]
    assert told["connected"] == 1
    assert (await server.get(PATH, key=await server.another_workspace())).json()["connected"] == 0
    await server.post(f"{PATH}/int_slack/disconnect")
    assert (await server.get(PATH)).json()["connected"] == 0


async def test_filters_narrow_the_list_and_leave_the_counters(server: Server) -> None:
    whole = (await server.get(PATH)).json()
    for query, wanted in (
        ({"category": "crm & sales"}, lambda found: found["category"] == "CRM & Sales"),
        ({"q": "GOOGLE"}, lambda found: "google" in found["name"].lower()),
        ({"available": "false"}, lambda found: not found["available"]),
        ({"connected": "true"}, lambda found: False),
    ):
        told = (await server.get(PATH, **query)).json()
        assert told["integrations"] == [found for found in whole["integrations"] if wanted(found)]
        assert told["total"] == whole["total"]


@pytest.mark.parametrize("verb", ["connect", "disconnect", "test"])
async def test_what_is_only_announced_cannot_be_connected_and_says_so(server: Server, verb: str) -> None:
    answer = await server.post(f"{PATH}/int_salesforce/{verb}", {"credentials": {}} if verb == "connect" else {})
    assert answer.status_code == CONFLICT, answer.text
    assert (answer.json()["error"]["code"], "announced" in answer.json()["detail"]) == ("coming_soon", True)
    assert (await server.post(f"{PATH}/int_no_such_thing/{verb}")).status_code == 404
