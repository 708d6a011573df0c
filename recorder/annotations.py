"""annotations.jsonl: what people say about an episode after it was sealed.

One file in the episode's folder, only ever appended to; the sealed files stay as they are. A line
is synced before `annotate` returns. Each carries the SHA-256 of the line before, the first one that
of manifest.json, so a line that was edited, taken out or moved from another episode is noticed when
the file is read. What is cut off at its end is not.

A last line without its newline is what a crash left of something nobody was told is kept: it does
not count, `History.torn` says so, and the next annotation replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from recorder.durable import append_line, write_atomically
from recorder.episode import EpisodeError
from recorder.labels import Annotation, AnnotationKind
from transport.clock import wall_time
from transport.messages import Outcome

ANNOTATIONS_FILE: Final = "annotations.jsonl"
TEXT_LENGTH: Final = 4000  # characters of one annotation: a page; more belongs in a document


@dataclass(frozen=True)
class History:
    """Everything that was said after the sealing."""

    annotations: tuple[Annotation, ...]
    torn: str = ""  # a sentence about a line that a crash left unfinished; empty: there is none


def read_history(folder: Path, manifest_sha256: str) -> History:
    """What annotations.jsonl in `folder` says; empty when there is none.

    Raises:
        EpisodeError: it cannot be read, or is not as it was written.
    """
    path = folder / ANNOTATIONS_FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return History(())
    except OSError as error:
        raise EpisodeError(
            f"Annotations cannot be read ({error.strerror})", path, "Check its permissions."
        ) from error
    complete, newline, rest = raw.rpartition(b"\n")
    torn = "The last annotation was not written to its end and does not count." if rest else ""
    return History(_parse(complete + newline, manifest_sha256, path), torn)


def annotate(
    folder: Path, manifest_sha256: str, kind: AnnotationKind, text: str, by: str
) -> Annotation:
    """Say one thing about the sealed episode in `folder`; on the disk when this returns.

    Raises:
        EpisodeError: the text does not fit, what was said before is damaged, or the disk refuses.
    """
    path = folder / ANNOTATIONS_FILE
    _check(kind, text, path)
    wall = wall_time().isoformat(timespec="milliseconds")
    said: list[Annotation] = []

    def line_after(before: bytes) -> bytes:
        known = _parse(before, manifest_sha256, path)
        lines = before.split(b"\n")[:-1]
        said.append(
            Annotation(
                number=len(known) + 1,
                wall=wall,
                kind=kind,
                text=text,
                by=by,
                previous=sha256(lines[-1]).hexdigest() if lines else manifest_sha256,
            )
        )
        return msgspec.json.encode(said[0])

    try:
        append_line(path, line_after)
    except OSError as error:
        raise EpisodeError(
            f"Annotation cannot be written ({error.strerror})", path, "Check permissions and space."
        ) from error
    return said[0]


def carry_over(annotations: Iterable[Annotation], folder: Path, manifest_sha256: str) -> None:
    """Say all of it again about the new episode in `folder`, which has no history yet.

    When it was said and by whom stays; raises `OSError` when the disk refuses.
    """
    lines, previous = b"", manifest_sha256
    for annotation in annotations:
        line = msgspec.json.encode(msgspec.structs.replace(annotation, previous=previous))
        lines, previous = lines + line + b"\n", sha256(line).hexdigest()
    if lines:
        write_atomically(folder / ANNOTATIONS_FILE, lines)


def _parse(complete: bytes, manifest_sha256: str, path: Path) -> tuple[Annotation, ...]:
    """Every line of `complete`, which ends with a newline or is empty."""
    found: list[Annotation] = []
    previous = manifest_sha256
    for number, line in enumerate(complete.split(b"\n")[:-1], 1):
        try:
            one = msgspec.json.decode(line, type=Annotation)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EpisodeError(
                f"Annotation {number} is unreadable ({error})",
                path,
                "Restore the file from a copy, or update Unstick if a newer one wrote it.",
            ) from error
        if one.number != number or one.previous != previous:
            raise EpisodeError(
                f"Annotation {number} does not follow the one before: the history was edited",
                path,
                "Restore the file from a copy.",
            )
        _check(one.kind, one.text, path)
        found.append(one)
        previous = sha256(line).hexdigest()
    return tuple(found)


def _check(kind: AnnotationKind, text: str, path: Path) -> None:
    outcomes = [outcome.value for outcome in Outcome]
    if kind is AnnotationKind.OUTCOME and text not in outcomes:
        raise EpisodeError(f"No outcome {text!r}", path, f"There are: {', '.join(outcomes)}.")
    if kind is AnnotationKind.NOTE and not text.strip():
        raise EpisodeError("Note is empty", path, "Write what is to be remembered.")
    if len(text) > TEXT_LENGTH:
        raise EpisodeError(
            f"Text has {len(text)} characters, {TEXT_LENGTH} at most", path, "Say it shorter."
        )
