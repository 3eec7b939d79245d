import re

import httpx

from interlock.sandbox import ProviderName, Sandbox

CONTACTS = "/crm/v3/objects/contacts"
MAYA = {"email": "Maya.Okafor@fernleaf.example", "firstname": "Maya", "lastname": "Okafor"}


async def test_create_read_and_search_a_contact(hubspot: httpx.AsyncClient, sandbox: Sandbox) -> None:
    created = await hubspot.post(CONTACTS, json={"properties": MAYA})
    contact = created.json()
    assert created.status_code == 201
    assert contact["properties"]["email"] == "maya.okafor@fernleaf.example"
    assert set(contact) == {"id", "properties", "createdAt", "updatedAt", "archived"}
    by_id = await hubspot.get(f"{CONTACTS}/{contact['id']}")
    by_email = await hubspot.get(
        f"{CONTACTS}/maya.okafor@fernleaf.example", params={"idProperty": "email", "properties": "phone"}
    )
    assert by_id.json()["properties"]["firstname"] == "Maya"
    assert by_email.json()["id"] == contact["id"]
    assert by_email.json()["properties"]["phone"] is None
    wanted = {"propertyName": "email", "operator": "EQ", "value": "maya.okafor@fernleaf.example"}
    found = await hubspot.post(f"{CONTACTS}/search", json={"filterGroups": [{"filters": [wanted]}], "limit": 1})
    assert found.json()["total"] == 1
    assert [e.kind for e in sandbox.state.effects_of(ProviderName.HUBSPOT)] == ["contact"]


async def test_a_second_contact_with_the_address_conflicts_and_names_the_first(
    hubspot: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    first = await hubspot.post(CONTACTS, json={"properties": MAYA})
    second = await hubspot.post(CONTACTS, json={"properties": {"email": "maya.okafor@FERNLEAF.example"}})
    body = second.json()
    assert second.status_code == 409
    assert body["category"] == "CONFLICT"
    assert body["message"] == f"Contact already exists. Existing ID: {first.json()['id']}"
    assert re.fullmatch(r"[0-9a-f-]{36}", body["correlationId"])
    assert len(sandbox.state.effects) == 1


async def test_an_existing_contact_can_be_updated(hubspot: httpx.AsyncClient) -> None:
    contact = (await hubspot.post(CONTACTS, json={"properties": MAYA})).json()
    changed = await hubspot.patch(f"{CONTACTS}/{contact['id']}", json={"properties": {"phone": "+1 555 0100"}})
    assert changed.json()["properties"]["phone"] == "+1 555 0100"


async def test_search_pages(hubspot: httpx.AsyncClient) -> None:
    for number in range(3):
        await hubspot.post(CONTACTS, json={"properties": {"email": f"p{number}@x.example"}})
    page = (await hubspot.post(f"{CONTACTS}/search", json={"limit": 2})).json()
    rest = (
        await hubspot.post(f"{CONTACTS}/search", json={"limit": 2, "after": page["paging"]["next"]["after"]})
    ).json()
    lost = await hubspot.post(f"{CONTACTS}/search", json={"after": "page-2"})
    assert (lost.status_code, lost.json()["category"]) == (400, "VALIDATION_ERROR")
    assert (page["total"], len(page["results"]), len(rest["results"]), "paging" in rest) == (3, 2, 1, False)


async def test_wrong_properties_tokens_and_ids_are_refused(hubspot: httpx.AsyncClient, sandbox: Sandbox) -> None:
    unknown = await hubspot.post(CONTACTS, json={"properties": {"first_name": "Maya"}})
    invalid = await hubspot.post(CONTACTS, json={"properties": {"email": "maya"}})
    missing = await hubspot.get(f"{CONTACTS}/1")
    anonymous = await hubspot.get(f"{CONTACTS}/1", headers={"authorization": "Bearer nope"})
    assert (unknown.status_code, unknown.json()["category"]) == (400, "VALIDATION_ERROR")
    assert "PROPERTY_DOESNT_EXIST" in unknown.json()["message"]
    assert "INVALID_EMAIL" in invalid.json()["message"]
    assert (missing.status_code, missing.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    assert (anonymous.status_code, anonymous.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert sandbox.state.effects == []
