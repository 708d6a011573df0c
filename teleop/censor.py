"""What may be shown to strangers of a text that was written for the operator.

Pure. Three layers, each of which would do for most texts: the secrets that this machine knows, in
every form they could be written in; what stands behind a word such as "password"; and of the rest
only what looks like a word, a number, a name, a path or an address. A key, a token or a code looks
like none of these. Names of home folders become `~`.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterable
from typing import Final

from teleop.public_key import key_bytes, z85

GONE: Final = "[…]"
SHORTEST: Final = 4  # a secret of fewer characters would blacken every second word
_LONGEST_WORD: Final = 24
_LONGEST_SHOUT: Final = 14
_MOST_PARTS: Final = 14  # of a path

_HOMES: Final = re.compile(r"(?:/home/|/Users/|[A-Za-z]:[\\/]Users[\\/])[^\s/\\:\"']+")
_TOLD: Final = re.compile(
    r"(?i)\b(pass(?:word|wd|phrase)?|secrets?|tokens?|credentials?|bearer|authorization|pin|codes?)\b"
    r"(\"?'?\s*(?:[:=]+|\bis\b|\bwas\b|\bof\b)?\s*\"?'?(?:(?:bearer|basic)\s+)?)([^\s\"']+)"
)
_CODE: Final = re.compile(r"(?<![\w.:])\d{4}[ -]\d{4}(?![\w:])")  # as a pairing code is read aloud
_MARKS: Final = "()[]{}<>\"'`.,:;!?…“”„"
_JOINTS: Final = re.compile(r"[-./\\_'’=:+,×@~#&|]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_HUMPS: Final = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{1,5}){1,4}[a-z]?|[A-Za-z]{1,6}")
_NAMED: Final = re.compile(r"[^\W\d_]{1,12}\d{1,4}[a-z]{0,3}")  # rover01, x264, F6, kHz44
_NUMBER: Final = re.compile(r"\d{1,4}x\d{1,4}|\d{1,6}(?:[a-zA-Zµ%°]{1,4}\d?)?")
_SIGNS: Final = re.compile(r"[^\w\s]{1,4}")
_DATED: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,6})?"
)
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?")
_MOST_DIGITS: Final = 7  # in what is no date and no address; a pairing code has eight


def forms(secret: str) -> frozenset[str]:
    """Every text that gives `secret` away: itself, and as base64, Z85 or hexadecimal of its
    characters, or of the bytes that it is Z85 for."""
    raws = [secret.encode()]
    with contextlib.suppress(ValueError):  # no key: its characters are all there is
        raws.append(key_bytes(secret))
    found = {secret}
    for raw in raws:
        found |= {raw.hex(), raw.hex().upper(), z85(raw[: len(raw) // 4 * 4])}
        for before in range(3):  # base64 of a text in which it stands somewhere
            whole = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
            inside = whole[(0, 2, 3)[before] : (len(raw) + before) * 8 // 6]
            found |= {inside, inside.replace("+", "-").replace("/", "_")}
    return frozenset(each for each in found if len(each) >= SHORTEST)


class Censor:
    """Knows this machine's secrets and whose home it is."""

    def __init__(self, secrets: Iterable[str], home: str) -> None:
        known = {form for secret in secrets for form in forms(secret)}
        # The longest first: a part of a secret is no secret that has been found.
        self._known = sorted(known, key=len, reverse=True)
        self._home = home.rstrip("/\\") if len(home) > 1 else ""

    def reveals(self, text: str) -> bool:
        """Whether a secret of this machine stands in `text`."""
        return any(form in text for form in self._known)

    def text(self, text: str) -> str:
        """`text` as strangers may read it, line by line."""
        for form in self._known:
            text = text.replace(form, GONE)
        if self._home:
            text = text.replace(self._home, "~")
        text = _CODE.sub(GONE, _HOMES.sub("~", text))
        text = _TOLD.sub(lambda told: f"{told[1]}{told[2]}{GONE}", text)
        return "\n".join(
            "".join(part if part.isspace() else _shown(part) for part in re.split(r"(\s+)", line))
            for line in text.split("\n")
        )


def _shown(part: str) -> str:
    """One word between spaces, or the sign that something stood there."""
    core = part.strip(_MARKS)
    if not core or GONE in part or _DATED.fullmatch(core) or _ADDRESS.fullmatch(core):
        return part
    pieces = [piece for piece in _JOINTS.split(core) if piece]
    few = len(pieces) <= _MOST_PARTS and sum(map(str.isdigit, core)) <= _MOST_DIGITS
    if few and all(_harmless(piece.strip(_MARKS)) for piece in pieces):
        return part
    return part.replace(core, GONE)


def _harmless(piece: str) -> bool:
    """Whether a part of a word is one that people, not machines, have made."""
    if not piece or _SIGNS.fullmatch(piece) or _NUMBER.fullmatch(piece):
        return True
    if _NAMED.fullmatch(piece):
        return True
    if not _WORD.fullmatch(piece) or len(piece) > _LONGEST_WORD:
        return False
    shouted = piece.isupper() and len(piece) <= _LONGEST_SHOUT
    return shouted or piece.islower() or piece.istitle() or bool(_HUMPS.fullmatch(piece))
