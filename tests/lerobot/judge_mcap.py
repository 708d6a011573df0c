"""Foxglove's own schemas read what `unstick export mcap` wrote; run by test_judges.py.

    python judge_mcap.py FILE [FILE …]     with mcap, jsonschema, foxglove-schemas-protobuf

Every message fits the JSON schema of its channel, and those that claim to be Foxglove's parse as
the official message of that name, without an unknown or a missing field. Imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
from google.protobuf.json_format import ParseDict
from mcap.reader import make_reader


def as_protobuf(value: Any) -> Any:
    """The same message as Protobuf's JSON has it: times are text."""
    if isinstance(value, dict):
        if value.keys() == {"sec", "nsec"}:
            seconds = value["sec"]
            hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
            day = 1 + seconds // 86400
            assert day <= 31
            clock = f"{hours:02}:{minutes:02}:{seconds % 60:02}.{value['nsec']:09}"
            return f"1970-01-{day:02}T{clock}Z"
        return {key: as_protobuf(part) for key, part in value.items()}
    return value


def judge(path: Path) -> Counter[str]:
    judged: Counter[str] = Counter()
    validators: dict[int, Any] = {}
    with path.open("rb") as stream:
        for schema, channel, message in make_reader(stream, validate_crcs=True).iter_messages():
            assert schema is not None, channel.topic
            if schema.id not in validators:
                body = json.loads(schema.data)
                jsonschema.Draft202012Validator.check_schema(body)
                assert body["type"] == "object"
                validators[schema.id] = jsonschema.Draft202012Validator(body)
            value = json.loads(message.data)
            validators[schema.id].validate(value)
            package, _, name = schema.name.partition(".")
            if package == "foxglove":
                module = importlib.import_module(f"foxglove_schemas_protobuf.{name}_pb2")
                official = ParseDict(as_protobuf(value), getattr(module, name)())
                known = {field.name for field in official.DESCRIPTOR.fields}
                optional = {"message_id", "lineage"}
                assert known - optional <= value.keys() <= known, (schema.name, known)
            judged[schema.name] += 1
    return judged


def main() -> None:
    for name in sys.argv[1:]:
        for schema, count in sorted(judge(Path(name)).items()):
            print(f"{Path(name).name}: {count} messages of {schema}")


if __name__ == "__main__":
    main()
