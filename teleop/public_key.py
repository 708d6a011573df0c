"""What a program checks about a public key, and what two people compare.

A key is 32 bytes, written as 40 characters of Z85 (ZeroMQ RFC 32). Pure.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

KEY_LENGTH: Final = 40
KEY_BYTES: Final = 32
_DIGITS: Final = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
)
_VALUE: Final = {digit: value for value, digit in enumerate(_DIGITS)}

WORDS: Final = 6  # 66 bits: more than can be searched for a second key with the same words
WORD_BITS: Final = 11  # the list has 2048 words


def key_bytes(key: str) -> bytes:
    """The 32 bytes of a key.

    Raises:
        ValueError: it is not a key; the message does not repeat it.
    """
    if len(key) != KEY_LENGTH:
        raise ValueError(f"a key has {KEY_LENGTH} characters, this one {len(key)}")
    found = bytearray()
    for start in range(0, KEY_LENGTH, 5):
        number = 0
        for digit in key[start : start + 5]:
            if digit not in _VALUE:
                raise ValueError("it has a character that no key has")
            number = number * 85 + _VALUE[digit]
        if number >= 1 << 32:
            raise ValueError("its characters do not make a key; was one mistyped?")
        found += number.to_bytes(4, "big")
    return bytes(found)


def key_of(raw: bytes) -> str:
    """The 32 bytes of a key as they are written.

    Raises:
        ValueError: there are not 32 of them.
    """
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, this one {len(raw)}")
    return z85(raw)


def z85(raw: bytes) -> str:
    """Bytes as ZeroMQ's RFC 32 writes them, five characters for four of them; a multiple of four.

    Raises:
        ValueError: it is no multiple of four.
    """
    if len(raw) % 4:
        raise ValueError(f"Z85 writes groups of four bytes, these are {len(raw)}")
    digits = []
    for start in range(0, len(raw), 4):
        number = int.from_bytes(raw[start : start + 4], "big")
        digits += [_DIGITS[number // 85**place % 85] for place in (4, 3, 2, 1, 0)]
    return "".join(digits)


def fingerprint(key: str) -> str:
    """Six words that stand for a public key, for two people to read to each other.

    Raises:
        ValueError: it is not a key.
    """
    return words_of(digest_of(key))


def digest_of(key: str) -> str:
    """The SHA-256 of a public key, 64 hexadecimal digits: names the key without telling it.

    Raises:
        ValueError: it is not a key.
    """
    return hashlib.sha256(key_bytes(key)).hexdigest()


def words_of(digest: str) -> str:
    """The first 66 bits of a digest in words of the English BIP-39 list.

    It was made to be heard and typed without a mistake: no two words share their first four
    letters.
    """
    number, left = int(digest, 16), 256
    words = []
    for _ in range(WORDS):
        left -= WORD_BITS
        words.append(_word_list()[number >> left & (1 << WORD_BITS) - 1])
    return " ".join(words)


@cache
def _word_list() -> list[str]:
    from mnemonic import Mnemonic

    return Mnemonic("english").wordlist
