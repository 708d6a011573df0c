"""Row M of the fault catalogue: whatever the bytes, a decoder gives a message or one named refusal.

Every message of the vocabulary is taken from its own schema, so that a new one is tested, too.
"""

from __future__ import annotations

import math
import os
import random
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from transport import archive_messages, messages
from transport.archive_messages import ArchiveAnswer, ArchiveRequest
from transport.messages import (
    MalformedMessage,
    Request,
    RequestBody,
    RobotBus,
    ViewerMessage,
    Wire,
    decoder_of,
    encode,
)

KINDS = sorted(
    (
        kind
        for kind in (vars(messages) | vars(archive_messages)).values()
        if isinstance(kind, type) and issubclass(kind, Wire) and kind is not Wire
    ),
    key=lambda kind: kind.__name__,
)
UNIONS = {
    "RequestBody": RequestBody,
    "RobotBus": RobotBus,
    "ViewerMessage": ViewerMessage,
    "ArchiveRequest": ArchiveRequest,
    "ArchiveAnswer": ArchiveAnswer,
}
SENT = {kind.__name__: kind for kind in KINDS} | UNIONS
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "\x00",
    "x" * 100_000,
    b"",
    b"\xff" * 1000,
    0,
    -1,
    2**62,
    2**63,
    2**64 - 1,
    -(2**63),
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    5e-324,
    1.7e308,
    [],
    [0.0] * 100_000,
    {},
    {"a": {"a": {"a": 1}}},
)


def examples(kind: Any) -> st.SearchStrategy[Any]:
    """Valid values of a type, by what its schema says."""
    return _of(inspect.type_info(kind))


def _of(info: Any) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StructType():
            fields = {
                f.name: _of(f.type) if f.required else st.one_of(st.just(_default(f)), _of(f.type))
                for f in info.fields
            }
            return st.fixed_dictionaries(fields).map(lambda values: info.cls(**values))
        case inspect.UnionType():
            return st.one_of(*map(_of, info.types))
        case inspect.EnumType():
            return st.sampled_from(list(info.cls))
        case inspect.StrType():
            longest = min(info.max_length or 20, 40)
            return st.text(
                st.characters(codec="utf-8"),
                min_size=info.min_length or 0,
                max_size=max(longest, info.min_length or 0),
            )
        case inspect.IntType():
            low = -(2**63) if info.ge is None else info.ge
            high = 2**63 - 1
            high = info.lt - 1 if info.lt is not None else info.le if info.le is not None else high
            return st.integers(low, high)
        case inspect.FloatType():
            low = math.nextafter(info.gt, math.inf) if info.gt is not None else info.ge
            return st.floats(low, info.le, allow_nan=False, allow_infinity=False)
        case inspect.BoolType():
            return st.booleans()
        case inspect.BytesType():
            return st.binary(min_size=info.min_length or 0, max_size=60)
        case inspect.DateType():
            return st.dates()
        case inspect.NoneType():
            return st.none()
        case inspect.VarTupleType():
            least = info.min_length or 0
            most = min(4 if info.max_length is None else info.max_length, max(4, least))
            return st.lists(_of(info.item_type), min_size=least, max_size=most).map(tuple)
        case inspect.TupleType():
            return st.tuples(*map(_of, info.item_types))
        case inspect.DictType():
            return st.dictionaries(_of(info.key_type), _of(info.value_type), max_size=4)
    raise AssertionError(f"no examples for {info}")


def _default(field: Any) -> Any:
    if field.default_factory is not inspect.NODEFAULT and callable(field.default_factory):
        return field.default_factory()
    return field.default


every = pytest.mark.parametrize("name", list(SENT))


@every
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_what_is_encoded_comes_back(name: str, data: st.DataObject) -> None:
    message = data.draw(examples(SENT[name]))
    assert decoder_of(SENT[name])(encode(message)) == message


def _one_of_each() -> dict[str, Wire]:
    """One message of each kind, the same in every run."""
    found = {}

    def draw(kind_name: str) -> None:
        @settings(max_examples=1, deadline=None, derandomize=True, database=None)
        @given(examples(SENT[kind_name]))
        def take(message: Wire) -> None:
            found[kind_name] = message

        take()

    for kind_name in SENT:
        draw(kind_name)
    return found


GOOD = _one_of_each()


def refused_or_whole(name: str, raw: bytes) -> None:
    """The one thing that must hold: a refusal by name, or a message that its schema allows."""
    try:
        message = decoder_of(SENT[name])(raw)
    except MalformedMessage:
        return
    again = decoder_of(SENT[name])(encode(message))
    assert repr(again) == repr(message)
    for number in _numbers(msgspec.to_builtins(message)):
        if isinstance(message, messages.Command | messages.StopRequest | Request):
            assert math.isfinite(number)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, float):
        yield value


@every
def test_a_field_that_is_missing_extra_or_odd_is_refused_by_name(name: str) -> None:
    good = msgspec.to_builtins(GOOD[name], builtin_types=(bytes,))
    pack = msgspec.msgpack.encode
    # What is sent often goes as a list, its fields in the order of the schema.
    fields = good if isinstance(good, dict) else dict(enumerate(good))

    def packed(changed: dict[Any, Any]) -> bytes:
        return pack(changed if isinstance(good, dict) else list(changed.values()))

    with pytest.raises(MalformedMessage):
        decoder_of(SENT[name])(packed({**fields, "unknown": 1}))
    for field in fields:
        refused_or_whole(name, packed({k: v for k, v in fields.items() if k != field}))
        for odd in ODD:
            refused_or_whole(name, packed({**fields, field: odd}))


@every
def test_a_message_cut_at_any_byte_is_refused(name: str) -> None:
    raw = encode(GOOD[name])
    for length in range(len(raw)):
        with pytest.raises(MalformedMessage):
            decoder_of(SENT[name])(raw[:length])
    with pytest.raises(MalformedMessage):
        decoder_of(SENT[name])(raw + b"\x00")


@every
def test_hostile_bytes_cost_no_memory_and_no_time(name: str) -> None:
    decode = decoder_of(SENT[name])
    tracemalloc.start()
    try:
        for raw in (
            b"\xdf\xff\xff\xff\xff",  # a map of four thousand million entries
            b"\xdd\xff\xff\xff\xff",  # the same as a list
            b"\xdb\xff\xff\xff\xff",  # a text of 4 GiB
            b"\x91" * 100_000,  # lists in lists
            b"\x81\xa1a" * 30_000,  # maps in maps
            b"\xa1\xff" * 30_000,  # no UTF-8
        ):
            with pytest.raises(MalformedMessage):
                decode(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_of_a_doubled_field_the_last_one_counts_and_is_checked() -> None:
    good = GOOD["Command"]
    fields = msgspec.to_builtins(good)
    body = b"".join(
        msgspec.msgpack.encode(key) + msgspec.msgpack.encode(value) for key, value in fields.items()
    )
    forward = msgspec.msgpack.encode("forward")
    count = len(fields) + 1
    raw = bytes([0xDE, count >> 8, count & 0xFF]) + body + forward
    decode = decoder_of(messages.Command)
    assert decode(raw + msgspec.msgpack.encode(0.25)).forward == 0.25
    with pytest.raises(MalformedMessage):
        decode(raw + msgspec.msgpack.encode(1.5))


def mutated(raw: bytes, dice: random.Random) -> bytes:
    """The bytes after one to six small accidents."""
    kept = bytearray(raw)
    for _ in range(dice.randint(1, 6)):
        if not kept:
            return bytes(kept)
        at = dice.randrange(len(kept))
        match dice.randrange(5):
            case 0:
                kept[at] = dice.randrange(256)
            case 1:
                kept[at] ^= 1 << dice.randrange(8)
            case 2:
                del kept[at : at + dice.randint(1, 8)]
            case 3:
                kept[at:at] = dice.randbytes(dice.randint(1, 8))
            case 4:
                other = dice.randrange(len(kept))
                kept[at : at + 8] = kept[other : other + 8]
    return bytes(kept)


def fuzz(name: str, *, seed: int, seconds: float, rounds: int) -> int:
    """Decode mutated messages for a time or a number of rounds, whichever is longer."""
    dice, begun, done = random.Random(seed), time.monotonic(), 0
    raw = encode(GOOD[name])
    while done < rounds or time.monotonic() - begun < seconds:
        refused_or_whole(name, mutated(raw, dice))
        done += 1
    return done


@every
def test_mutated_messages_raise_nothing_else(name: str) -> None:
    fuzz(name, seed=1, seconds=0.0, rounds=400)


@pytest.mark.long
@every
def test_mutated_messages_raise_nothing_else_for_a_minute_each(name: str) -> None:
    seconds = float(os.environ.get("UNSTICK_FUZZ_S", "60"))
    done = fuzz(name, seed=random.randrange(2**32), seconds=seconds, rounds=10_000)
    print(f"{name}: {done} mutated messages")
