"""The wire's vocabulary: what is encoded comes back, what does not fit is refused in one way."""

from __future__ import annotations

import contextlib
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.messages import (
    Command,
    HandBack,
    MalformedMessage,
    Request,
    StopRequest,
    decoder_of,
    encode,
)

decode_command = decoder_of(Command)


def command(**changes: object) -> Command:
    fields: dict[str, object] = {
        "session": "s",
        "boot_id": "b",
        "epoch": 1,
        "seq": 2,
        "echo_ns": 3,
        "painted_ns": 4,
        "deadman": True,
        "forward": 0.5,
        "turn": -0.25,
        "input_ns": 5,
    }
    return Command(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_command_comes_back_as_it_was() -> None:
    assert decode_command(encode(command())) == command()


def test_a_request_carries_its_body() -> None:
    request = Request(request_id=1, session="s", body=HandBack(epoch=7))
    assert decoder_of(Request)(encode(request)) == request


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.0001, -1.0001, True, "1", None])
@pytest.mark.parametrize("field", ["forward", "turn"])
def test_a_speed_that_is_no_fraction_is_refused(field: str, value: object) -> None:
    raw = msgspec.to_builtins(command())
    raw[field] = value
    with pytest.raises(MalformedMessage):
        decode_command(msgspec.msgpack.encode(raw))


def test_an_unknown_field_is_refused() -> None:
    raw = msgspec.to_builtins(command())
    raw["torque"] = 1.0
    with pytest.raises(MalformedMessage):
        decode_command(msgspec.msgpack.encode(raw))


def test_a_message_of_another_kind_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        decode_command(encode(StopRequest(session="s", request_id=1)))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        decode_command(raw)


@given(st.data())
def test_no_mutation_of_a_command_raises_anything_else(data: st.DataObject) -> None:
    raw = bytearray(encode(command()))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_command(bytes(raw))
    except MalformedMessage:
        return
    assert abs(decoded.forward) <= 1.0
    assert abs(decoded.turn) <= 1.0
