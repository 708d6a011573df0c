"""Gamepads through SDL's game-controller mapping, on a thread of their own.

The thread owns SDL. Every pad that can be used is open; one of them is active, and pressing any
button on another chooses that one. What changes is reported to the callbacks, neutral input at once
when the active pad goes away, and STOP from whichever pad it comes. What sticks and buttons mean is
decided in `teleop.pad_mapping`, whether a pad is fit to drive in `teleop.pad_health`. Without SDL
there is no pad, and `problem` says why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from teleop.hands import PAD_ALIVE_MS
from teleop.input_profile import Action
from teleop.operator_input import OperatorInput
from teleop.pad_health import PadHealth
from teleop.pad_mapping import PadReading, PadSettings, to_input
from teleop.profile_files import Controls, PadSeen
from teleop.sdl_pads import Sdl, SdlPad, SdlPads, load_sdl
from transport.clock import NS_PER_MS, now_ns

log = logging.getLogger("gamepad")

LISTENED_TO = "its buttons are being set"
POLL_MS = 4  # four times per control tick; a look costs 15 microseconds


class _Pad:
    """An open pad and what is known of it."""

    def __init__(self, device: SdlPad) -> None:
        self.device = device
        # What is held when it comes was not pressed here and asks for nothing; but STOP is STOP.
        self.reading = self.before = device.read() or PadReading()
        self.health = PadHealth()
        self._stopping = False

    def look(self, settings: PadSettings, stamp_ns: int) -> None:
        """Read it once. One that is being unplugged stays as it was until the next look misses it:
        so the operator is told that it went away, not that it was let go."""
        self.before, self.reading = self.reading, self.device.read() or self.reading
        self.health = self.health.step(self.reading, settings, stamp_ns)

    def stops(self, settings: PadSettings) -> bool:
        """Whether a STOP chord has become complete; once per press."""
        before, self._stopping = self._stopping, self.reading.holds(settings.stop)
        return self._stopping and not before

    def take(self, settings: PadSettings) -> None:
        """It becomes the active one. What is held on it by then does nothing: neither the press
        that chose it, nor a deadman that was held while another pad drove."""
        self.health = self.health.chosen(self.reading, settings)
        self.before = self.reading


class Gamepad:
    """The gamepads of this machine as one input."""

    def __init__(
        self,
        controls: Controls,
        on_input: Callable[[OperatorInput | None], None],
        on_stop: Callable[[], None],
        on_action: Callable[[str], None],
        *,
        sdl: Callable[[], Sdl] = load_sdl,
    ) -> None:
        """The callbacks run on the pad's thread: input, new or said again every `PAD_ALIVE_MS`
        (None: there is no pad), the STOP chord, and what a button that was pressed is bound to."""
        self.problem = ""
        self._controls = controls
        self._profile = controls.profile
        self._on_input = on_input
        self._on_stop = on_stop
        self._on_action = on_action
        self._load = sdl
        self._pads: dict[int, _Pad] = {}
        self._active: int | None = None
        self._said: OperatorInput | None = None
        self._said_ns = 0
        self._listened_to = False
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gamepad", daemon=True)

    def start(self) -> None:
        """Start looking for pads."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    # --- the pad's thread ---

    def _run(self) -> None:
        try:
            with SdlPads(self._load()) as pads:
                while not self._leaving.wait(POLL_MS / 1000):
                    self._look(pads, now_ns())
        except (ImportError, OSError) as error:
            self.problem = f"SDL cannot be used: {error}"
            log.info("no gamepads: %s", self.problem)
        except Exception:  # the top of the thread: whatever the pad said last must not go on
            self.problem = "reading them has failed; the log tells more"
            log.exception("reading gamepads has failed")
        finally:
            self._on_input(None)
            self._controls.gamepad = ""
            why = (PadSeen("all gamepads", skipped=self.problem),) if self.problem else ()
            self._controls.pads = why

    def _look(self, pads: SdlPads, stamp_ns: int) -> None:
        came, gone = pads.changes(stamp_ns)
        for instance in gone:
            log.warning("gamepad %s is gone", self._pads.pop(instance).device.name)
            if instance == self._active:
                self._active = None
                self._say(None, stamp_ns)
        for device in came:
            log.info("gamepad: %s", device.name)
            self._pads[device.instance] = _Pad(device)
        self._follow_profile()
        settings = self._profile.pad
        listener = self._controls.listener
        for instance, pad in self._pads.items():
            pad.look(settings, stamp_ns)
            if listener is not None:
                listener(instance, pad.device.name, pad.reading)
            elif self._listened_to:
                pad.take(settings)  # what is held from then on does nothing
            if pad.stops(settings):
                self._on_stop()
        chosen = self._choose(settings)
        if chosen is not None:
            self._active = chosen
            self._pads[chosen].take(settings)
        if came or gone or pads.skipped_changed or chosen is not None:
            self._tell(pads)
        self._listened_to = listener is not None
        self._report(stamp_ns)

    def _follow_profile(self) -> None:
        """Take the profile that fits by now, unless somebody drives: it waits until the deadman is
        let go. What is held under the old one does nothing under the new one."""
        active = self._pads.get(self._active) if self._active is not None else None
        profile = self._controls.profile
        if profile is self._profile or (active is not None and active.health.armed):
            return
        self._profile = profile
        for pad in self._pads.values():
            pad.take(profile.pad)

    def _choose(self, settings: PadSettings) -> int | None:
        """The pad to become the active one: an idle one that was pressed, or the next at all."""
        active = self._pads.get(self._active) if self._active is not None else None
        if active is None or not active.reading.holds(settings.deadman):
            for instance, pad in self._pads.items():
                if instance != self._active and pad.reading.held - pad.before.held:
                    return instance
        return next(iter(self._pads), None) if active is None else None

    def _report(self, stamp_ns: int) -> None:
        """What the active pad asks for, when it changed or has not been said for a while."""
        if self._active is None:
            return
        pad = self._pads[self._active]
        profile = self._profile
        wish = to_input(
            self._device_name(),
            pad.reading,
            profile.pad,
            profile.speeds,
            0,
            may_drive=pad.health.armed and not self._listened_to,
            problem=LISTENED_TO if self._listened_to else pad.health.problem,
        )
        if self._said is None or wish != replace(self._said, input_ns=0):
            self._say(replace(wish, input_ns=stamp_ns), stamp_ns)
        elif stamp_ns - self._said_ns >= PAD_ALIVE_MS * NS_PER_MS:
            self._say(self._said, stamp_ns)
        for action in profile.pressed(pad.before.held, pad.reading.held):
            if action is not Action.STOP and not self._listened_to:
                self._on_action(action)

    def _say(self, wish: OperatorInput | None, stamp_ns: int) -> None:
        self._said, self._said_ns = wish, stamp_ns
        self._on_input(wish)

    def _device_name(self) -> str:
        """The active pad's name, with its number when there are several."""
        assert self._active is not None
        name = self._pads[self._active].device.name
        if len(self._pads) == 1:
            return name
        return f"{list(self._pads).index(self._active) + 1} of {len(self._pads)}: {name}"

    def _tell(self, pads: SdlPads) -> None:
        """Let the window know which pads there are, and the profiles which one is in use."""
        active = self._pads.get(self._active) if self._active is not None else None
        self._controls.gamepad = active.device.name if active is not None else ""
        self._controls.pads = (
            *(PadSeen(pad.device.name, active=pad is active) for pad in self._pads.values()),
            *(PadSeen(name, skipped=why) for name, why in pads.skipped.values()),
        )
