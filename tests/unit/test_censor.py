"""What strangers may read: no secret in any form, and still a log that tells what happened."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.censor import GONE, Censor, forms
from teleop.public_key import key_bytes, key_of, z85

KEY = key_of(bytes(range(32)))
PASSWORD = "kitchen-relay pass"


def shown(text: str, *secrets: str) -> str:
    return Censor(secrets, "/home/anna").text(text)


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-01 14:29:51,123 INFO ui: camera front: 62 ms, 30 fps, painted 1789",
        "link: rover-07 at 192.168.1.20:7600 does not answer for 41 s. Trying again",
        "video: h264_nvenc does not encode: no device; libx264 (software), PyAV 17.0.1",
        "RuntimeError: MuJoCo draws 640x480 (EGL)",
        "keys: the release of BracketLeft was lost",
        "~/.config/unstick/profiles/mine.toml: keys.forwrd is not known; did you mean forward?",
        "codec H.264 is pinned to one core",
        "latency 76 ms · loss 0 % – Größe 3:59",
    ],
)
def test_what_a_log_says_of_the_work_can_be_read(line: str) -> None:
    assert shown(line) == line


@pytest.mark.parametrize(
    "line",
    [
        f"public {KEY}",
        "code 12345678",
        "The code is 1234 5678.",
        "12345678",
        "1234-5678",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
        "password: hunter",
        'secret = "hunter"',
        "TOKEN=hunter",
        "Authorization: Bearer hunter",
        "the passphrase was hunter",
        "teleop://10.0.0.7:7600#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_what_could_be_a_secret_is_blackened(line: str) -> None:
    said = shown(line)
    assert GONE in said
    for word in ("hunter", "1234", "5678", "ghp", "eyJ", "AAEC", "9f86", KEY[:8]):
        assert word not in said


def test_names_of_homes_become_a_tilde() -> None:
    assert shown("/home/anna/robots/a.toml and /home/bob/x") == "~/robots/a.toml and ~/x"
    assert shown(r"C:\Users\Anna\unstick") == r"~\unstick"


def test_a_secret_this_machine_knows_goes_even_if_it_looks_like_words() -> None:
    assert shown(f"TURN refuses {PASSWORD} here", PASSWORD) == f"TURN refuses {GONE} here"


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=7), st.binary(max_size=7))
def test_a_key_is_found_in_every_form(raw: bytes, before: bytes, after: bytes) -> None:
    key = key_of(raw)
    assert key_bytes(key) == raw
    censor = Censor([key], "")
    for inside in (raw, key.encode()):
        wrapped = before + inside + after
        for text in (
            base64.b64encode(wrapped).decode(),
            base64.urlsafe_b64encode(wrapped).decode(),
            base64.b64encode(wrapped).decode().rstrip("="),
            inside.hex(),
            inside.hex().upper(),
            z85(inside),
            json.dumps({"key": key}) if '"' not in key else key,
        ):
            if text.isascii():
                assert censor.reveals(text)
                assert not censor.reveals(censor.text(text))


@given(st.text(max_size=300), st.sampled_from([KEY, PASSWORD, "12345678"]))
def test_whatever_is_around_it_no_form_of_a_secret_is_left(around: str, secret: str) -> None:
    middle = len(around) // 2
    for form in forms(secret):
        assert form not in shown(around[:middle] + form + around[middle:], secret)


@given(st.text(max_size=400))
def test_any_text_can_be_censored_and_keeps_its_lines(text: str) -> None:
    assert shown(text, KEY).count("\n") == text.count("\n")
