"""Typed ids: one identity, several spellings, one order."""

import base64
import string
import time
from itertools import pairwise
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from interlock.kit.ids import TypedId, short_text

NUMBERS = st.integers(min_value=0, max_value=2**128 - 1)
# From the TypeID specification, file valid.yml.
KNOWN = {
    "00000000000000000000000000": "00000000-0000-0000-0000-000000000000",
    "00000000000000000000000001": "00000000-0000-0000-0000-000000000001",
    "0000000000000000000000000g": "00000000-0000-0000-0000-000000000010",
    "7zzzzzzzzzzzzzzzzzzzzzzzzz": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0123456789abcdefghjkmnpqrs": "0110c853-1d09-52d8-d73e-1194e95b5f19",
    "01h455vb4pex5vsknk084sn02q": "01890a5d-ac96-774b-bcce-b302099a8057",
}


class ThingId(TypedId):
    """An identity with a second name."""

    prefix: ClassVar[str] = "thing"
    aliases: ClassVar[tuple[str, ...]] = ("object",)


class OtherId(TypedId):
    """Another kind of identity."""

    prefix: ClassVar[str] = "other"


class Holder(BaseModel):
    """A model with an id."""

    id: ThingId


@given(NUMBERS)
def test_the_native_text_reads_back(number: int) -> None:
    thing = ThingId(int=number)
    text = str(thing)
    assert len(text) == len("thing_") + 26
    assert ThingId.parse(text) == thing
    assert Holder.model_validate_json(Holder(id=thing).model_dump_json()).id == thing


@given(NUMBERS)
def test_an_alias_names_the_same_thing(number: int) -> None:
    thing = ThingId(int=number)
    assert ThingId.parse(thing.render("object")) == thing
    assert thing.render("object").startswith("object_")


@given(NUMBERS)
def test_uuid_text_in_its_usual_spellings_is_accepted(number: int) -> None:
    value = UUID(int=number)
    for text in (str(value), str(value).upper(), value.hex):
        assert ThingId.parse(text) == value


@given(NUMBERS, NUMBERS)
def test_texts_sort_like_the_identities(first: int, second: int) -> None:
    one, two = ThingId(int=first), ThingId(int=second)
    assert (str(one) < str(two)) == (first < second)


@given(NUMBERS)
def test_the_short_text_is_base64url(number: int) -> None:
    expected = base64.urlsafe_b64encode(number.to_bytes(16, "big")).decode().rstrip("=")
    assert short_text(UUID(int=number)) == expected


@pytest.mark.parametrize(("text", "uuid"), KNOWN.items())
def test_the_encoding_is_the_published_one(text: str, uuid: str) -> None:
    assert str(ThingId(uuid)) == f"thing_{text}"
    assert ThingId.parse(f"thing_{text}") == UUID(uuid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thing_",
        "thing",
        "thing_01h455vb4pex5vsknk084sn02",
        "thing_01h455vb4pex5vsknk084sn02qq",
        "thing_01H455VB4PEX5VSKNK084SN02Q",
        "thing_01h455vb4pex5vsknk084sn02u",
        "thing_80000000000000000000000000",
        "Thing_01h455vb4pex5vsknk084sn02q",
        "other_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "thing_01h455vb4pex5vsknk084sn02q\n",
        " thing_01h455vb4pex5vsknk084sn02q",
        "thing-01h455vb4pex5vsknk084sn02q",
        "0" * 31,
        "0" * 33,
        "g" * 32,
        "0_" * 16,
        "\uff11" * 32,
        " " + "1" * 31,
        "+" + "1" * 31,
        "0x" + "1" * 30,
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "0189-0a5d-ac96774bbcceb302099a8057",
        "\x00" * 32,
        "\ud800" * 32,
        "9" * 100_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ThingId.parse(text)
    with pytest.raises(ValidationError, match="must be an id such as thing_"):
        Holder.model_validate({"id": text})


@given(st.text(max_size=60))
def test_what_is_accepted_is_one_of_the_spellings(text: str) -> None:
    try:
        thing = ThingId.parse(text)
    except ValueError:
        return
    plain = UUID(int=thing.int)
    assert text in {str(thing), thing.render("object")} or text.lower() in {str(plain), plain.hex}


@pytest.mark.parametrize("value", [None, 7, 1.5, True, b"thing_01h455vb4pex5vsknk084sn02q", [], {}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate({"id": value})


def test_an_id_of_another_kind_is_taken_as_a_plain_uuid_only_in_code() -> None:
    other = OtherId.new()
    assert Holder(id=ThingId.of(other)).id.int == other.int
    with pytest.raises(ValidationError):
        Holder.model_validate({"id": str(other)})


@pytest.mark.parametrize("text", ["run_01h455vb4pex5vsknk084sn02q", "_01h455vb4pex5vsknk084sn02q"])
def test_an_id_of_no_particular_kind_is_read_under_any_prefix(text: str) -> None:
    assert TypedId.parse(text).render("run") == "run_01h455vb4pex5vsknk084sn02q"
    assert TypedId.parse(str(TypedId.parse(text))) == TypedId.parse(text)


@pytest.mark.parametrize("text", ["Run_01h455vb4pex5vsknk084sn02q", "a_b_01h455vb4pex5vsknk084sn02q", "run_", "run"])
def test_an_id_of_no_particular_kind_is_still_an_id(text: str) -> None:
    with pytest.raises(ValueError):
        TypedId.parse(text)


def test_fresh_ids_are_uuids_of_version_7_that_sort_by_age() -> None:
    before = time.time_ns() // 1_000_000
    made = [ThingId.new() for _ in range(20_000)]
    assert all(one.int < two.int for one, two in pairwise(made))
    for thing in (made[0], made[-1]):
        assert (thing.version, thing.variant) == (7, uuid4().variant)
    assert before <= made[0].int >> 80 <= time.time_ns() // 1_000_000


def test_fresh_ids_sort_by_age_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = ThingId.new()
    monkeypatch.setattr("interlock.kit.ids.time.time_ns", lambda: 1_000_000_000_000_000_000)
    assert ThingId.new().int > earlier.int


def test_schemas_and_messages_show_an_example() -> None:
    schema = Holder.model_json_schema()["properties"]["id"]
    assert str(ThingId.parse(schema["examples"][0])) == schema["examples"][0]
    assert set(schema["examples"][0]) <= set(string.ascii_lowercase + string.digits + "_")
