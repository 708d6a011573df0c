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
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from recorder.durable import DiskStream
from recorder.episode import EpisodeError, Header, Label, check_format
from transport.messages import Tick, Wire

CHUNK_BYTES: Final = 4096
_HEADER_NAME: Final = "episode"
_RECORD_LIMIT: Final = 64 * 1024 * 1024  # bytes; a longer record is a damaged length field
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


@dataclass(frozen=True)
class Message:
    """One message as it lies in the file."""

    topic: str
    sequence: int
    log_ns: int
    data: bytes


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
            self._stream.lock()
            self._writer.start(profile="", library="unstick")
            self._writer.add_metadata(
                _HEADER_NAME, {"header": told.decode(), "crc32": str(zlib.crc32(told))}
            )
        except OSError:
            self.abandon()  # or the lock would outlive the episode
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
        from mcap.records import Metadata

        for record in self._records():
            if isinstance(record, Metadata) and record.name == _HEADER_NAME:
                told = record.metadata.get("header", "").encode()
                if record.metadata.get("crc32") != str(zlib.crc32(told)):
                    raise self._bad("Log header is damaged")
                try:
                    check_format(told, self.path)
                    return msgspec.json.decode(told, type=Header)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._bad(f"Log header does not fit this version ({error})") from error
        raise self._bad("Log has no header")

    def messages(self) -> Iterator[Message]:
        """Every message in file order; leniently up to the first bad byte or missing chunk."""
        from mcap.records import Channel, Chunk, Statistics

        topics: dict[int, str] = {}
        read = rows = 0
        stated = -1
        for record in self._records():
            if isinstance(record, Channel):
                topics[record.id] = record.topic
            elif isinstance(record, Statistics):
                stated = record.message_count
            elif isinstance(record, Chunk):
                try:
                    messages = list(_chunk_messages(record, topics))
                except _damage() as error:
                    if self._lenient:
                        return
                    raise self._bad(f"Log chunk is damaged ({error!r})") from error
                read += len(messages)
                numbers = [message.sequence for message in messages if message.topic == ROW]
                if self._lenient and numbers != list(range(rows, rows + len(numbers))):
                    return  # a chunk before this one was passed over, its record damaged
                rows += len(numbers)
                yield from messages
        if not self._lenient and read != stated:
            raise self._bad(f"Log holds {read} messages where its footer counts {stated}")

    def ticks(self) -> Iterator[Tick]:
        """Every tick with its state."""
        decode = msgspec.json.Decoder(Tick).decode
        state, owner = b"", -1
        for message in self.messages():
            if message.topic == STATE:
                state, owner = message.data, message.sequence
            elif message.topic == TICK:
                tick = self._tick(message.data, decode)
                if owner == message.sequence:
                    tick = msgspec.structs.replace(tick, state=state)
                yield tick

    def rows(self) -> Iterator[RowRecord]:
        """Every row in order."""
        decode = msgspec.json.Decoder(RowRecord).decode
        for message in self.messages():
            if message.topic == ROW:
                try:
                    yield decode(message.data)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._bad(f"Row does not fit its schema ({error})") from error

    def labels(self) -> Iterator[Label]:
        """What was said through the recorder, in order."""
        decode = msgspec.json.Decoder(Label).decode
        for message in self.messages():
            if message.topic == LABEL:
                try:
                    yield decode(message.data)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise self._bad(f"Label does not fit its schema ({error})") from error

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

    def _records(self) -> Iterator[Any]:
        from mcap.stream_reader import StreamReader

        try:
            stream = self.path.open("rb")
        except FileNotFoundError as error:
            raise self._bad("Log is missing") from error
        except OSError as error:
            if self._lenient:
                raise
            raise self._bad(f"Log cannot be read ({error.strerror})") from error
        with stream:
            reader = StreamReader(
                stream,
                emit_chunks=True,
                validate_crcs=not self._lenient,
                record_size_limit=_RECORD_LIMIT,
            )
            try:
                yield from reader.records
            except _damage() as error:
                if not self._lenient:
                    raise self._bad(f"Log is damaged or cut short ({error!r})") from error
            except OSError as error:  # of the disk; a recovery tries again at the next start
                if self._lenient:
                    raise
                raise self._bad(f"Log cannot be read ({error.strerror})") from error

    def _bad(self, what: str) -> EpisodeError:
        return EpisodeError(what, self.path, "Restore the file from a copy, or leave it out.")


def _damage() -> tuple[type[Exception], ...]:
    """What the MCAP reader raises for bytes that are not what was written."""
    import zstandard
    from mcap.exceptions import McapError

    return (
        McapError,
        zstandard.ZstdError,
        struct.error,
        ValueError,  # also wrong CRC, unknown opcode, UTF-8
        OverflowError,
        MemoryError,  # a damaged length
        KeyError,
    )


_RECORD: Final = struct.Struct("<BQ")
_MESSAGE: Final = struct.Struct("<HIQQ")
_OP_CHANNEL: Final = 4
_OP_MESSAGE: Final = 5


def _chunk_messages(chunk: Any, topics: dict[int, str]) -> Iterator[Message]:
    """Messages of one chunk after its CRC; read by hand, five times faster than record objects."""
    from mcap.records import Channel
    from mcap.stream_reader import get_chunk_data_stream

    stream, length = get_chunk_data_stream(chunk, validate_crc=True)
    data = stream.read(length)
    at = 0
    while at < length:
        opcode, size = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if opcode == _OP_MESSAGE:
            channel, sequence, log_ns, _ = _MESSAGE.unpack_from(data, at)
            body = data[at + _MESSAGE.size : at + size]
            yield Message(topics[channel], sequence, log_ns, body)
        elif opcode == _OP_CHANNEL:
            channel_record = Channel.read(_stream_of(data[at : at + size]))
            topics[channel_record.id] = channel_record.topic
        at += size


def _stream_of(data: bytes) -> Any:
    from io import BytesIO

    from mcap.data_stream import ReadDataStream

    return ReadDataStream(BytesIO(data))


def _null_to_nan(value: Any) -> Any:
    if value is None:
        return math.nan
    if isinstance(value, dict):
        return {key: _null_to_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_null_to_nan(item) for item in value]
    return value
