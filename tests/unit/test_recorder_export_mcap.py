"""An exported MCAP is read by MCAP's own reader, and holds what was recorded, under its schemas."""

import base64
import json
import math
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from mcap.reader import make_reader

from recorder.episode import EpisodeError
from recorder.export_mcap import export_mcap
from recorder.library import Episode, open_episode
from tests.unit.recorder_support import feed, number_of, recorder, session, stamp
from transport.messages import AnnotationKind, Said

Messages = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    root = tmp_path_factory.mktemp("episodes")
    rec = recorder(root)
    ticks = list(session(before=20, wait=10, drive=60, after=70))
    feed(rec, iter(ticks[:60]))
    _, open_one, _, _ = rec.status()
    rec.say(Said(episode=open_one, kind=AnnotationKind.NOTE, text="squeaks", by="bob"))
    feed(rec, iter(ticks[60:]))
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    return open_episode(path)


@pytest.fixture(scope="module")
def exported(episode: Episode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "mcap"
    summary = export_mcap([episode], out)
    assert (summary.episodes, summary.rows) == ((episode.id,), episode.manifest.rows)
    return out / f"{episode.id}.mcap"


@pytest.fixture(scope="module")
def messages(exported: Path) -> Messages:
    """Every message by topic; checked against the schema that its channel names."""
    found: Messages = {}
    before_ns = 0
    with exported.open("rb") as stream:
        for schema, channel, message in make_reader(stream, validate_crcs=True).iter_messages():
            assert schema is not None
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            assert message.log_time >= before_ns
            before_ns = message.log_time
            value = json.loads(message.data)
            conform(value, json.loads(schema.data), channel.topic)
            found.setdefault(channel.topic, []).append({"log_ns": message.log_time, **value})
    return found


def test_foxglove_knows_the_schemas_by_name(exported: Path) -> None:
    with exported.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    names = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()}
    assert names["/camera/front"] == names["/camera/rear"] == "foxglove.CompressedVideo"
    assert (names["/pose"], names["/tf"]) == ("foxglove.PoseInFrame", "foxglove.FrameTransform")
    assert names["/log"] == "foxglove.Log"
    assert summary.chunk_indexes


def test_each_row_has_its_frame_and_each_key_frame_its_parameter_sets(
    messages: Messages, episode: Episode
) -> None:
    rows = list(episode.rows())
    frames = messages["/camera/rear"]
    assert [m["log_ns"] for m in frames] == [row.stamp_ns for row in rows]
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.options = {"flags": "low_delay"}
    pictures = []
    for number, message in enumerate(frames):
        data = base64.b64decode(message["data"], validate=True)
        kinds = [unit[0] & 31 for unit in data.split(b"\0\0\1")[1:]]
        assert data.startswith((b"\0\0\0\1", b"\0\0\1"))
        assert ({7, 8, 5} <= set(kinds)) == (number % 15 == 0)
        assert (message["format"], message["frame_id"]) == ("h264", "rear")
        pictures += decoder.decode(av.Packet(data))
    seen = [number_of(picture.to_ndarray(format="rgb24")) for picture in pictures]
    assert seen == [row.tick // 2 for row in rows]


def test_pose_action_and_control_are_those_of_the_ticks(
    messages: Messages, episode: Episode
) -> None:
    ticks = list(episode.ticks())
    for topic in ("/pose", "/tf", "/observation", "/action", "/control"):
        assert [m["log_ns"] for m in messages[topic]] == [t.stamp_ns for t in ticks]
    last, pose, frame = ticks[-1], messages["/pose"][-1]["pose"], messages["/tf"][-1]
    assert (pose["position"]["x"], pose["position"]["y"]) == last.observation[:2]
    turned = 2 * math.atan2(pose["orientation"]["z"], pose["orientation"]["w"])
    assert turned == pytest.approx(last.observation[2])
    assert (frame["translation"], frame["rotation"]) == (pose["position"], pose["orientation"])
    driving = next(i for i, t in enumerate(ticks) if t.deadman)
    assert messages["/action"][driving]["applied"]["forward_mps"] == (
        ticks[driving].applied.forward_mps
    )
    assert messages["/control"][driving]["picture_age_ms"] == ticks[driving].picture_age_ms


def test_events_are_lines_of_a_log(messages: Messages) -> None:
    lines = [(m["level"], m["message"], m["name"]) for m in messages["/log"]]
    assert lines == [
        (3, "call: Wedged", "robot"),
        (2, "takeover", "ada"),
        (2, "marker: here", "ada"),
        (2, "note: squeaks", "bob"),
        (2, "hand_back: success", "ada"),
    ]


def test_the_manifest_goes_along(exported: Path, episode: Episode) -> None:
    with exported.open("rb") as stream:
        records = list(make_reader(stream).iter_metadata())
    assert json.loads(records[0].metadata["json"])["episode"] == episode.id
    assert json.loads(records[1].metadata["json"])["outcome"] == "success"


def test_exporting_again_gives_the_same_bytes(
    exported: Path, episode: Episode, tmp_path: Path
) -> None:
    export_mcap([episode], tmp_path / "again")
    assert (tmp_path / "again" / exported.name).read_bytes() == exported.read_bytes()


def test_a_damaged_episode_is_left_out_and_told(episode: Episode, tmp_path: Path) -> None:
    damaged = shutil.copytree(episode.path, tmp_path / "damaged")
    (damaged / "cam_rear.mkv").write_bytes(b"")
    summary = export_mcap([open_episode(damaged), episode], tmp_path / "out")
    assert summary.episodes == (episode.id,)
    assert "cam_rear.mkv" in dict(summary.damaged)[episode.id]
    with pytest.raises(EpisodeError, match="No episode of 1 can be exported"):
        export_mcap([open_episode(damaged)], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def conform(value: Any, schema: dict[str, Any], where: str) -> None:
    """The parts of JSON Schema that ours use; the official ones judge in the long tests."""
    kinds = {"object": dict, "string": str, "integer": int, "boolean": bool, "number": (int, float)}
    assert isinstance(value, kinds[schema["type"]]), where
    assert not (schema["type"] in ("integer", "number") and isinstance(value, bool)), where
    if schema["type"] == "object":
        assert value.keys() <= schema["properties"].keys(), where
        assert set(schema.get("required", ())) <= value.keys(), where
        for key, part in value.items():
            conform(part, schema["properties"][key], f"{where}.{key}")
    if "minimum" in schema:
        assert value >= schema["minimum"], where
    if "maximum" in schema:
        assert value <= schema["maximum"], where
