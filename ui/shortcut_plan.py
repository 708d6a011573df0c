"""A profile while it is being edited: what it binds, who else has a key, what a file of it says.

Pure. A `Draft` holds what a profile states of its own, as its file does, and nothing that is built
in. Keys and buttons are looked at as a robot of some kind has them; one that is for every kind may
clash with an arm's keys only, so conflicts are looked for on each kind that it is for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import tomli_w

from teleop.input_profile import (
    STOP_CHORD,
    STOP_KEY,
    Action,
    ProfileError,
    default_tables,
    parse_profiles,
)
from teleop.pad_health import ordered
from teleop.pad_mapping import AXES, TRIGGERS, PadReading
from transport.messages import RobotKind
from ui.action_words import words_of
from ui.speech import tr

MOVED: Final = 0.6  # of an axis' travel: pushed on purpose
_HEADING: Final = (
    "# Written by Edit, Shortcuts… in the console: what differs from the built-in.\n\n"
)


class Device(StrEnum):
    """What is pressed; called as the table of a profile."""

    KEYS = "keys"
    BUTTONS = "buttons"


@dataclass(frozen=True)
class Draft:
    """A profile of one's own."""

    name: str
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    heading: str = _HEADING  # the comment at the top of its file

    @property
    def kinds(self) -> tuple[RobotKind, ...]:
        """The kinds of robot it is for."""
        kind = self.whom("kind")
        return (RobotKind(kind),) if kind else tuple(RobotKind)

    def value(self, table: str, name: str, kind: RobotKind) -> Any:
        """What counts on a robot of this kind."""
        return self.own.get(table, {}).get(name, default_tables(kind)[table][name])

    def whom(self, name: str) -> str:
        """Whom it is for: kind, operator, robot or gamepad; empty: all."""
        return str(self.own.get("for", {}).get(name, ""))

    def bindings(self, device: Device, action: Action, kind: RobotKind) -> tuple[str, ...]:
        """Keys, or buttons joined by +, that do this; what cannot be taken from STOP first."""
        value = self.value(device, action, kind) if bindable(device, action) else ()
        found = [value] if isinstance(value, str) else list(value)
        always = _always(device)
        if action is Action.STOP and all(_same(device, each) != always for each in found):
            found.insert(0, STOP_KEY if device is Device.KEYS else chord_name(STOP_CHORD))
        return tuple(found)

    def changed(self, action: Action) -> bool:
        """Whether it says something of its own of this action."""
        return any(action.value in self.own.get(device, {}) for device in Device)


def draft_of(name: str, text: str) -> Draft:
    """The draft of a file.

    Raises:
        ProfileError: it is no usable profile.
    """
    parse_profiles(text, name)
    lines = text.splitlines(keepends=True)
    count = next((at for at, line in enumerate(lines) if line.strip()[:1] not in ("#", "")), None)
    return Draft(name, tomllib.loads(text), "".join(lines[:count]) if count else _HEADING)


def as_text(draft: Draft) -> str:
    """The file of a draft. Of comments only those at its top are kept."""
    tables = {name: dict(table) for name, table in draft.own.items() if table}
    return draft.heading + tomli_w.dumps(tables)


def bindable(device: Device, action: Action) -> bool:
    """Whether keys, or buttons, can do this: a stick drives, a held key is its own deadman."""
    return action.value in default_tables()[device]


def locked(device: Device, action: Action, binding: str) -> bool:
    """Whether this binding can never be removed."""
    return action is Action.STOP and _same(device, binding) == _always(device)


def holder(draft: Draft, device: Device, binding: str) -> tuple[Action, RobotKind] | None:
    """What a key or chord is bound to already, and on which kind of robot."""
    wanted = _same(device, binding)
    if wanted == _always(device):
        return Action.STOP, draft.kinds[0]
    for kind in draft.kinds:
        for action in Action:
            if any(_same(device, each) == wanted for each in draft.bindings(device, action, kind)):
                return action, kind
    return None


def conflict(draft: Draft, device: Device, action: Action, binding: str) -> str:
    """Why this binding cannot simply be added, naming both; empty: it can."""
    found = holder(draft, device, binding)
    if found is None or found[0] is action:
        return ""
    other, kind = found
    if other is Action.STOP and locked(device, other, binding):
        return tr("{binding} always means STOP; it cannot mean anything else", binding=binding)
    does, wanted = (tr(words_of(kind)[each]) for each in (other, action))
    if len(draft.kinds) > 1 and kind is RobotKind.ARM:
        does = tr("{does} (on an arm)", does=does)
    return tr(
        "{binding} is bound already: {does}. It cannot mean “{wanted}”, too",
        binding=binding,
        does=does,
        wanted=wanted,
    )


def with_binding(draft: Draft, device: Device, action: Action, binding: str) -> Draft:
    """With one more key or chord for `action`, taken from whatever else had it."""
    found = holder(draft, device, binding)
    while found is not None and found[0] is not action:
        if locked(device, found[0], binding):
            return draft
        draft = without_binding(draft, device, found[0], binding, found[1])
        found = holder(draft, device, binding)
    if found is not None:
        return draft
    now = draft.bindings(device, action, draft.kinds[0])
    return with_value(draft, device, action, [*now, binding])


def without_binding(
    draft: Draft, device: Device, action: Action, binding: str, kind: RobotKind | None = None
) -> Draft:
    """Without one key or chord of `action`; STOP keeps what it always has."""
    if locked(device, action, binding):
        return draft
    gone = _same(device, binding)
    now = draft.bindings(device, action, kind or draft.kinds[0])
    left = [each for each in now if _same(device, each) != gone]
    return with_value(draft, device, action, left)


def with_value(draft: Draft, table: str, name: str, value: Any) -> Draft:
    """With another value; what is built in for every kind it is for is not stated."""
    own = {each: dict(content) for each, content in draft.own.items()}
    own.setdefault(table, {})[str(name)] = value
    made = replace(draft, own=own)
    if all(_alike(value, default_tables(kind)[table][name]) for kind in made.kinds):
        del own[table][str(name)]
    return replace(draft, own={each: content for each, content in own.items() if content})


def reset(draft: Draft, action: Action) -> Draft:
    """With what is built in for one action."""
    own = {
        table: {name: value for name, value in content.items() if name != action.value}
        if table in tuple(Device)
        else content
        for table, content in draft.own.items()
    }
    return replace(draft, own={table: content for table, content in own.items() if content})


def reset_all(draft: Draft) -> Draft:
    """With all that is built in; whom it is for stays."""
    whom = draft.own.get("for", {})
    return replace(draft, own={"for": whom} if whom else {})


def problems(draft: Draft) -> tuple[str, ...]:
    """All that is wrong with it, in words."""
    try:
        parse_profiles(as_text(draft), draft.name)
    except ProfileError as error:
        return tuple(dict.fromkeys(str(error).splitlines()))
    return ()


def chord_name(buttons: frozenset[str]) -> str:
    """Buttons held together, as a profile names them."""
    return "+".join(ordered(buttons))


@dataclass(frozen=True)
class ChordPress:
    """Buttons that are being pressed for a binding: as many as were down at once."""

    ignored: frozenset[str] = frozenset()  # down since before; they have to be let go first
    best: frozenset[str] = frozenset()
    done: bool = False  # all have been let go again

    def after(self, held: frozenset[str]) -> ChordPress:
        """After one look at the pad."""
        ignored = self.ignored & held
        pressed = held - ignored
        best = pressed if len(pressed) > len(self.best) else self.best
        return ChordPress(ignored, best, done=bool(best) and not pressed)


def pushed_axis(rest: PadReading, now: PadReading, *, triggers: bool = False) -> str:
    """The stick's axis, or the trigger, that was pushed farthest since `rest`; empty: none yet."""
    moves = {
        name: abs(now.axis(name) - rest.axis(name)) for name in (TRIGGERS if triggers else AXES)
    }
    farthest = max(moves, key=lambda name: moves[name])
    return farthest if moves[farthest] >= MOVED else ""


def _same(device: Device, binding: str) -> frozenset[str]:
    return frozenset(binding.split("+") if device is Device.BUTTONS else (binding,))


def _always(device: Device) -> frozenset[str]:
    return STOP_CHORD if device is Device.BUTTONS else frozenset({STOP_KEY})


def _alike(one: Any, other: Any) -> bool:
    """A single name may stand without a list."""
    return ([one] if isinstance(one, str) else one) == (
        [other] if isinstance(other, str) else other
    )
