"""A library's journals: one line of JSON for each thing that happened, only ever appended to.

    <library>/replays.jsonl        replays on hardware, see `recorder.hardware_replays`
    <library>/exports.jsonl        exports, see `recorder.sources`

A last line without its newline is what a crash left of something nobody was told is kept: it does
not count, and the next one replaces it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from recorder.durable import append_line
from recorder.episode import EpisodeError

Line = TypeVar("Line", bound=msgspec.Struct)


def write_down(path: Path, line: msgspec.Struct) -> None:
    """Append `line` to the journal at `path`; on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    append_line(path, lambda _: msgspec.json.encode(line))


def read_journal(path: Path, line_type: type[Line], called: str) -> list[Line]:
    """Every line of the journal at `path`, oldest first; none when there is no such file.

    `called` is what its lines are, for people: "replays".

    Raises:
        EpisodeError: it cannot be read, or a line is not as it was written.
    """
    try:
        complete = path.read_bytes().rpartition(b"\n")[0]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EpisodeError(
            f"{called.capitalize()} cannot be read ({error.strerror})",
            path,
            "Check its permissions.",
        ) from error
    found: list[Line] = []
    for number, line in enumerate(complete.splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=line_type))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EpisodeError(
                f"Line {number} of the {called} is unreadable ({error})",
                path,
                "Restore the file from a copy, or take the line out.",
            ) from error
    return found
