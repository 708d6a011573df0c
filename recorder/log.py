"""The episode's log: an MCAP file that loses at most a fraction of a second when the power goes.

Channels, all with the tick's stamp as log time:

    /state  little-endian float64, the robot's complete state before the tick; written before
            the tick it belongs to, so a tick read back always has its state
    /tick   JSON, `transport.messages.Tick` with an empty `state`
    /event  JSON, one for each event of a tick, for viewers
    /row    JSON, `RowRecord`: one for each video frame, in order
    /label  JSON, `Label`: what was said through the recorder, between two ticks

Chunks of 4 KiB (about three ticks) with CRC reach the file whole, through a stream without buffer.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from recorder.durable import DiskStream
from recorder.episode import EpisodeError, Header, Label, check_format
from recorder.mcap_records import (
    CHANNEL,
    CHUNK,
    MESSAGE_INDEX,
    METADATA,
    STATISTICS,
    Message,
    chunk_messages,
    damage,
    message_count,
    metadata,
    note_channel,
    records,
)
from transport.messages import Tick, Wire

CHUNK_BYTES: Final = 4096
_HEADER_NAME: Final = "episode"
_SEQUENCE: Final = 2**32  # MCAP's sequence numbers are 32 bits wide

TICK: Final = "/tick"
STATE: Final = "/state"
ROW: Final = "/row"
EVENT: Final = "/event"
LABEL: Final = "/label"
_ENCODINGS: Final = {TICK: "json", STATE: "f64le", ROW: "json", EVENT: "json", LABEL: "json"}


class CameraRow(Wire, frozen=True):
    """What one camera shows in one row."""

    captured_ns: int  # when the picture shown was captured; 0: black, there never was one
    repeated: bool  # the picture of an earlier row, because none came in time
    frame_crc32: int  # of the encoded frame: videos have no checksums of their own


class RowRecord(Wire, frozen=True):
    """One row: one frame of every camera, taken at a control tick."""

    row: int  # counts from 0 in each episode; the frame with this number in every video
    tick: int
    stamp_ns: int  # of the tick
    cameras: dict[str, CameraRow]


class EventRecord(Wire, frozen=True):
    """One event, repeated outside its tick so that viewers can list events."""

    tick: int
    kind: str
    text: str
    by: str


class LogWriter:
    """Writes one log; every method may raise `OSError`, after which only `abandon` is allowed."""

    def __init__(self, path: Path, header: Header) -> None:
        from mcap.writer import CompressionType, Writer

        self._stream = DiskStream(path)
        self._json = msgspec.json.Encoder()
        self._writer: Any = Writer(
            cast(Any, self._stream),
            chunk_size=CHUNK_BYTES,
            compression=CompressionType.ZSTD,
            enable_crcs=True,
            enable_data_crcs=True,
        )
        told = self._json.encode(header)  # outside the chunks, so it needs a CRC of its own
        try:
            self._writer.start(profile="", library="unstick")
            self._writer.add_metadata(
                _HEADER_NAME, {"header": told.decode(), "crc32": str(zlib.crc32(told))}
            )
        except OSError:
            self.abandon()
            raise
        self._channels = {
            topic: self._writer.register_channel(topic, encoding, schema_id=0)
            for topic, encoding in _ENCODINGS.items()
        }

    def tick(self, tick: Tick) -> None:
        """Append a tick, its state and its events."""
        if tick.state:
            self._add(STATE, tick.tick, tick.stamp_ns, tick.state)
        bare = msgspec.structs.replace(tick, state=b"")
        self._add(TICK, tick.tick, tick.stamp_ns, self._json.encode(bare))
        for event in tick.events:
            record = EventRecord(tick=tick.tick, kind=event.kind, text=event.text, by=event.by)
            self._add(EVENT, tick.tick, tick.stamp_ns, self._json.encode(record))

    def row(self, row: RowRecord) -> None:
        """Append a row."""
        self._add(ROW, row.row, row.stamp_ns, self._json.encode(row))

    def label(self, label: Label, log_ns: int) -> None:
        """Append what was said after the tick of that stamp."""
        self._add(LABEL, label.tick, log_ns, self._json.encode(label))

    def sync(self) -> None:
        """Return once everything in complete chunks lies on the disk."""
        self._stream.sync()

    def finish(self) -> None:
        """Write index and footer; nothing may be added after."""
        self._writer.finish()

    def close(self) -> None:
        """Sync and close a finished log."""
        self._stream.sync()
        self._stream.close()

    def abandon(self) -> None:
        """Close as it is; idempotent."""
        self._stream.close()

    def _add(self, topic: str, sequence: int, log_ns: int, data: bytes) -> None:
        self._writer.add_message(
            channel_id=self._channels[topic],
            log_time=log_ns,
            publish_time=log_ns,
            sequence=sequence % _SEQUENCE,
            data=data,
        )


class LogReader:
    """Reads one log: strictly, or leniently every good chunk before the first bad byte."""

    def __init__(self, path: Path, *, lenient: bool = False) -> None:
        self.path = path
        self._lenient = lenient

    def header(self) -> Header:
        """The header the log begins with."""
        for opcode, body in self._records():
            if opcode != METADATA:
                continue
            try:
                name, content = metadata(body)
            except damage() as error:
                raise self._bad(f"Log header is damaged ({error!r})") from error
            if name == _HEADER_NAME:
                told = content.get("header", "").encode()
                if content.get("crc32") != str(zlib.crc32(told)):
                    raise self._bad("Log header is damaged")
                try:
                    check_format(told, self.path)
                    return msgspec.json.decode(told, type=Header)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._bad(f"Log header does not fit this version ({error})") from error
        raise self._bad("Log has no header")

    def messages(self) -> Iterator[Message]:
        """Every message in file order; leniently up to the first bad byte or missing chunk."""
        from zstandard import ZstdDecompressor

        zstd = ZstdDecompressor()  # making one costs more than decompressing a chunk
        topics: dict[int, str] = {}
        read = rows = 0
        stated = -1
        for opcode, body in self._records():
            if opcode == MESSAGE_INDEX:  # most records are, and reading in order needs none
                continue
            messages: list[Message] = []
            try:
                if opcode == CHUNK:
                    messages = chunk_messages(body, topics, zstd)
                elif opcode == CHANNEL:
                    note_channel(body, topics)
                elif opcode == STATISTICS:
                    stated = message_count(body)
            except damage() as error:
                if self._lenient:
                    return
                raise self._bad(f"Log is damaged ({error!r})") from error
            read += len(messages)
            if self._lenient:
                numbers = [message.sequence for message in messages if message.topic == ROW]
                if numbers != list(range(rows, rows + len(numbers))):
                    return  # a chunk before this one was passed over, its record damaged
                rows += len(numbers)
            yield from messages
        if not self._lenient and read != stated:
            raise self._bad(f"Log holds {read} messages where its footer counts {stated}")

    def ticks(self) -> Iterator[Tick]:
        """Every tick with its state."""
        return (entry for entry in self.entries(TICK) if isinstance(entry, Tick))

    def rows(self) -> Iterator[RowRecord]:
        """Every row in order."""
        return (entry for entry in self.entries(ROW) if isinstance(entry, RowRecord))

    def entries(self, *topics: str) -> Iterator[Tick | RowRecord | Label]:
        """Ticks with their states, rows and labels in file order, of these `topics`; or all."""
        wanted = frozenset(topics or (TICK, ROW, LABEL))
        decode = msgspec.json.Decoder(Tick).decode
        others: dict[str, tuple[str, Callable[[bytes], RowRecord | Label]]] = {
            ROW: ("Row", msgspec.json.Decoder(RowRecord).decode),
            LABEL: ("Label", msgspec.json.Decoder(Label).decode),
        }
        state, owner = b"", -1
        for topic, sequence, _, data in self.messages():
            if topic == STATE:
                state, owner = data, sequence
            elif topic not in wanted:
                continue
            elif topic == TICK:
                tick = self._tick(data, decode)
                if owner == sequence:
                    tick = msgspec.structs.replace(tick, state=state)
                yield tick
            else:
                what, decode_other = others[topic]
                try:
                    yield decode_other(data)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._bad(f"{what} does not fit its schema ({error})") from error

    def labels(self) -> Iterator[Label]:
        """What was said through the recorder, in order."""
        return (entry for entry in self.entries(LABEL) if isinstance(entry, Label))

    def _tick(self, data: bytes, decode: Any) -> Tick:
        try:
            tick: Tick = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        else:
            return tick
        # JSON has no NaN: a sensor that read one left `null`, which no field of a tick permits.
        try:
            return msgspec.convert(_null_to_nan(msgspec.json.decode(data)), Tick)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._bad(f"Tick does not fit its schema ({error})") from error

    def _records(self) -> Iterator[tuple[int, bytes]]:
        try:
            stream = self.path.open("rb")
        except FileNotFoundError as error:
            raise self._bad("Log is missing") from error
        except OSError as error:
            if self._lenient:
                raise
            raise self._bad(f"Log cannot be read ({error.strerror})") from error
        with stream:
            try:
                yield from records(stream, check=not self._lenient)
            except damage() as error:
                if not self._lenient:
                    raise self._bad(f"Log is damaged or cut short ({error!r})") from error
            except OSError as error:  # of the disk; a recovery tries again at the next start
                if self._lenient:
                    raise
                raise self._bad(f"Log cannot be read ({error.strerror})") from error

    def _bad(self, what: str) -> EpisodeError:
        return EpisodeError(what, self.path, "Restore the file from a copy, or leave it out.")


def _null_to_nan(value: Any) -> Any:
    if value is None:
        return math.nan
    if isinstance(value, dict):
        return {key: _null_to_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_null_to_nan(item) for item in value]
    return value
