"""What an episode is on disk: names, header and manifest as closed schemas.

Pure: no clock, no file access. Layout:

    <root>/<id>.rec/        being recorded, or left behind by a crash
    <root>/<id>/            sealed: complete, verified, hashes in the manifest
        log.mcap            ticks, states, rows, events
        cam_<name>.mkv      one H.264 frame per row
        manifest.json       written last; an episode without it is not sealed
        verdict.json        what the replay found; may come later, may be replaced
        torn/               only after a recovery: the original files as the crash left them
    <root>/<id>.broken/     could not be recovered; `reason.txt` says why
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NoReturn

import msgspec

from recorder.provenance import CameraSettings, Code, Custody, Driver, Start
from transport.messages import Description, Outcome, Wire

FORMAT: Final = 3  # raised when an older reader would misread the files

LOG_FILE: Final = "log.mcap"
MANIFEST_FILE: Final = "manifest.json"
VERDICT_FILE: Final = "verdict.json"
REASON_FILE: Final = "reason.txt"
TORN_DIR: Final = "torn"
RECORDING_SUFFIX: Final = ".rec"
RECOVERING_SUFFIX: Final = ".tmp"
BROKEN_SUFFIX: Final = ".broken"
FORGETTING_SUFFIX: Final = ".forgetting"  # being removed for good; see `recorder.forget`

# An event at the tick of a takeover that is no label: the manifest tells it in a field of its own.
POLICY_STATE: Final = "policy_state"
# The tick that says so is the last one of the old scene; the next one begins somewhere else.
SCENE_RESET: Final = "scene_reset"

GOP_ROWS: Final = 15  # 0.5 s: what a crash may cost of the video, and what a seek has to decode

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, sorts as its value
TIME_LETTERS: Final = 10  # of an id: milliseconds of its opening
_ID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_SEAL_MARK: Final = b',\n  "sha256": "'
_CAMERA: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILE: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(\.[a-z0-9]{1,16}){1,3}")


class EpisodeError(Exception):
    """An episode cannot be read, written or used; the message says what, where and what to try."""

    def __init__(self, what: str, where: object, advice: str) -> None:
        super().__init__(f"{what}: {where}. {advice}")
        self.what = what
        self.where = str(where)
        self.advice = advice


class Status(StrEnum):
    """How an episode came to be complete."""

    SEALED = "sealed"  # closed by the recorder, every count verified
    RECOVERED = "recovered"  # closed after a crash from what was on disk; carries no label


class EndedBy(StrEnum):
    """Why an episode ended."""

    HAND_BACK = "hand_back"  # the operator gave control back to the policy
    RELEASED = "released"  # the operator let go of the robot without handing back
    LINK_LOST = "link_lost"  # the operator's link was silent for too long
    STOP = "stop"  # somebody pressed STOP and nobody resumed
    WITHDRAWN = "withdrawn"  # the robot freed itself before anybody came
    LIMIT = "limit"  # the longest permitted episode
    RESTART = "restart"  # the robot's control process started anew
    SHUTDOWN = "shutdown"  # the recorder was closed
    CRASH = "crash"  # the recorder was killed; recovered later


class CameraFormat(Wire, frozen=True):
    """One camera of an episode before anything is recorded."""

    name: str
    width: int  # pixels, even
    height: int  # pixels, even
    settings: CameraSettings = CameraSettings()


class Header(Wire, frozen=True):
    """What is known when an episode opens; the log begins with it and so explains itself."""

    format: int
    episode: str  # ULID
    description: Description
    cameras: tuple[CameraFormat, ...]
    tick_hz: int
    row_hz: int
    opened_wall: str  # ISO 8601, UTC; for people
    versions: dict[str, str]  # of the programs that record: unstick, python, av …
    code: Code
    custody: Custody = Custody()
    gate_sha256: str = ""  # of the gate's source, empty: not given
    config_sha256: str = ""  # of the robot's configuration, empty: not given
    overlap_tick: int = -1  # last tick of the episode before, which holds it, too; -1: none


class Label(Wire, frozen=True):
    """Something an operator or the robot said about one moment."""

    tick: int
    kind: str  # "marker", "phase", "outcome", "call", "takeover", "hand_back", "stop" …
    text: str = ""
    by: str = ""


class Ending(Wire, frozen=True):
    """How the episode went, as told by the ticks' events; see `recorder.segmenter`."""

    ended_by: EndedBy
    outcome: Outcome
    operator: str  # who took over, of several the last; empty: nobody. All: `Manifest.drivers`
    intervention: int  # number of the intervention; -1: none
    start_tick: int  # tick of the takeover, where a replay starts; -1: none
    end_tick: int  # tick at which the intervention ended; -1: none
    labels: tuple[Label, ...] = ()


class CameraEntry(Wire, frozen=True):
    """One camera's video."""

    name: str
    width: int
    height: int
    codec: str  # "h264"
    encoder: str  # its name and what it was told
    settings: CameraSettings
    file: str  # relative to the episode
    frames: int  # equals the manifest's `rows`
    repeated: int  # rows that show the picture before once more, because none came in time


class FileEntry(Wire, frozen=True):
    """One file as it was sealed."""

    name: str
    bytes: int
    sha256: str  # lower-case hex


class Counts(Wire, frozen=True):
    """How much there is, and what is missing."""

    ticks: int
    states: int  # ticks that carry the robot's complete state
    events: int
    missed_ticks: int  # control periods the robot skipped, as it counted them
    dropped_records: int  # ticks that happened but never reached the recorder


class Latency(Wire, frozen=True):
    """How old commands and pictures were, counted over the ticks that knew it."""

    edges_ms: tuple[float, ...]  # a count for below the first, between two, and from the last on
    command: tuple[int, ...]  # loop age, of each tick that accepted a command
    picture: tuple[int, ...]  # of each tick in which the operator saw one


class Clock(Wire, frozen=True):
    """Whose clock the stamps are of."""

    name: str  # "robot monotonic"
    boot_id: str
    first_ns: int
    last_ns: int
    operator_offset_ns: int | None  # this clock minus the operator's, where it was known best
    operator_error_ns: int | None  # of that, either way; None: never measured
    opened_wall: str  # ISO 8601, UTC
    sealed_wall: (
        str  # ISO 8601, UTC; of a recovered episode: empty, so that recovery repeats itself
    )


class Parent(Wire, frozen=True):
    """The episode that this one was made from."""

    episode: str  # ULID
    manifest_sha256: str
    operation: str  # "trim", "repair: shift actions -1"
    removed: tuple[tuple[int, int], ...] = ()  # first and last tick of each stretch taken out
    source_sha256: str = ""  # of the program that did it, as in `Code`
    wall: str = ""  # when, ISO 8601, UTC; for people


class Manifest(Wire, frozen=True):
    """Everything about a sealed episode that is not a time series."""

    format: int
    episode: str  # ULID
    status: Status
    description: Description
    ending: Ending
    drivers: tuple[Driver, ...]  # who had the robot and when, pre-roll included, in order
    named: tuple[str, ...]  # everybody else whose name stands in the log
    custody: Custody
    start: Start | None  # None: nobody took over
    first_tick: int
    last_tick: int
    overlap_tick: int  # up to it, the episode before holds the same ticks; -1: there was none
    rows: int
    tick_hz: int
    row_hz: int
    cameras: tuple[CameraEntry, ...]
    counts: Counts
    clock: Clock
    latency: Latency
    versions: dict[str, str]
    code: Code
    gate_sha256: str
    config_sha256: str
    files: tuple[FileEntry, ...]  # all but the manifest, the verdict and torn/
    parents: tuple[Parent, ...] = ()  # oldest first; ticks keep their numbers throughout

    @property
    def removed(self) -> tuple[tuple[int, int], ...]:
        """First and last tick of every stretch that is missing on purpose."""
        return tuple(sorted(stretch for parent in self.parents for stretch in parent.removed))

    @property
    def operators(self) -> tuple[str, ...]:
        """Who had the robot in the intervention, in order; empty: nobody took over."""
        ending = self.ending
        if ending.start_tick < 0:
            return ()
        had = self.drivers_between(ending.start_tick, ending.end_tick)
        return had or tuple(name for name in (ending.operator,) if name)

    def drivers_between(self, first_tick: int, last_tick: int) -> tuple[str, ...]:
        """Who had the robot in any of these ticks, in order, everybody once."""
        had = (d for d in self.drivers if d.first_tick <= last_tick and first_tick <= d.last_tick)
        return tuple(dict.fromkeys(driver.name for driver in had))

    @property
    def seconds(self) -> float:
        """Length of the episode by the robot's clock."""
        return (self.clock.last_ns - self.clock.first_ns) / 1e9


class _Version(msgspec.Struct):
    format: int


def episode_id(wall_ms: int, entropy: bytes) -> str:
    """A ULID: sorts by time of opening. `entropy` is 10 random bytes."""
    if not 0 <= wall_ms < 2**48 or len(entropy) != 10:
        raise ValueError("a ULID takes 48 bits of milliseconds and 10 random bytes")
    value = (wall_ms << 80) | int.from_bytes(entropy, "big")
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def opened_at(episode: str) -> datetime:
    """When the episode of this id was opened, to the millisecond, UTC."""
    milliseconds = 0
    for letter in episode[:TIME_LETTERS]:
        milliseconds = milliseconds * 32 + _ALPHABET.index(letter)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def is_episode_id(name: str) -> bool:
    """Whether `name` has the form of an episode's id."""
    return _ID.fullmatch(name) is not None


def is_file_name(name: str) -> bool:
    """Whether `name` has the form of an episode's file: it never leads out of the folder."""
    return _FILE.fullmatch(name) is not None


def camera_file(camera: str) -> str:
    """File name of a camera's video."""
    if not _CAMERA.fullmatch(camera):
        raise EpisodeError(
            "Camera name cannot be a file name",
            repr(camera),
            "Use letters, digits, '_' and '-' only.",
        )
    return f"cam_{camera}.mkv"


def to_json(value: Wire) -> bytes:
    """Indented JSON for people, the same bytes each time."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"


def sealed_json(value: Wire) -> bytes:
    """JSON whose last field, `sha256`, is the hash of all before it.

    No other file vouches for a manifest or a verdict, so each vouches for itself.
    """
    body = to_json(value).removesuffix(b"\n}\n")
    return body + _seal_of(body)


def unsealed(raw: bytes) -> bytes:
    """What `sealed_json` was given, as JSON; raises `ValueError` unless every byte is as it was."""
    body, mark, _ = raw.rpartition(_SEAL_MARK)
    if not mark:
        raise ValueError("its end is missing")
    if raw != body + _seal_of(body):
        raise ValueError("it is not as it was written")
    return body + b"\n}"


def _seal_of(body: bytes) -> bytes:
    return _SEAL_MARK + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


def parse_manifest(raw: bytes, where: object) -> Manifest:
    """The manifest in `raw`; raises `EpisodeError` for another version or a damaged file."""
    try:
        check_format(raw, where)
        manifest = msgspec.json.decode(unsealed(raw), type=Manifest)
    except (msgspec.DecodeError, ValueError) as error:
        _unreadable(where, error)
    return manifest


def check_format(raw: bytes, where: object) -> None:
    """Refuse what another version wrote; raises `EpisodeError`, or `DecodeError` for no JSON."""
    version = msgspec.json.decode(raw, type=_Version).format
    if version != FORMAT:
        newer = "A newer Unstick wrote it; update this one." if version > FORMAT else ""
        raise EpisodeError(
            f"Episode format {version} is not {FORMAT}",
            where,
            newer or "That format was never released; record the episode again.",
        )


def _unreadable(where: object, error: Exception) -> NoReturn:
    raise EpisodeError(
        f"Manifest is unreadable ({error})", where, "Restore the file from a copy."
    ) from error
