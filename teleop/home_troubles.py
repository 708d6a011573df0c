"""The rover's troubles at home: where things stand, where it starts, when it is free again.

Pure: poses in, poses out, random numbers from the generator handed in; no simulator. How it comes
to be stuck is left to physics and to the policy. Metres and radians, world frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleop.safety import Pose
from transport.messages import Success

if TYPE_CHECKING:  # `--help` names the scenarios and is not to wait for numpy
    import numpy as np

ROVER: Final = "rover"
BODY_RADIUS_M: Final = 0.175  # around a point AHEAD_M before the axle, bumper included
AHEAD_M: Final = 0.02
UPRIGHT_RAD: Final = 0.1

Poses = Mapping[str, Pose]  # of bodies, by name
Arrange = Callable[[Poses, "np.random.Generator"], dict[str, Pose]]
Begin = Callable[[Poses, "np.random.Generator"], Pose]


@dataclass(frozen=True)
class Footprint:
    """A rectangle on the floor: centre, half sizes, heading of its long side."""

    x_m: float
    y_m: float
    heading_rad: float
    half_length_m: float
    half_depth_m: float

    def distance_m(self, x_m: float, y_m: float) -> float:
        """Horizontal distance from a point to the rectangle; 0 inside it."""
        cos, sin = math.cos(self.heading_rad), math.sin(self.heading_rad)
        dx, dy = x_m - self.x_m, y_m - self.y_m
        along = max(abs(cos * dx + sin * dy) - self.half_length_m, 0.0)
        across = max(abs(-sin * dx + cos * dy) - self.half_depth_m, 0.0)
        return math.hypot(along, across)


@dataclass(frozen=True)
class Outline:
    """What a body covers of the floor, in the body's own frame."""

    body: str
    half_length_m: float  # along its x
    half_depth_m: float
    ahead_m: float = 0.0  # of the rectangle's centre along the body's y

    def at(self, pose: Pose) -> Footprint:
        """The rectangle while the body stands at `pose`."""
        return Footprint(
            x_m=pose.x_m - math.sin(pose.heading_rad) * self.ahead_m,
            y_m=pose.y_m + math.cos(pose.heading_rad) * self.ahead_m,
            heading_rad=pose.heading_rad,
            half_length_m=self.half_length_m,
            half_depth_m=self.half_depth_m,
        )


@dataclass(frozen=True)
class Goal:
    """When a rover is free: it stands upright, and so much floor lies around its body."""

    name: str
    clear_m: float  # between the body and each outline
    of: str  # what it is clear of, for people
    outlines: tuple[Outline, ...]
    version: int = 1  # raised when the same state may be judged differently

    def reached(self, rover: Pose, tilt_rad: float, bodies: Poses) -> bool:
        """Whether a rover with its axle at `rover` is free of the `bodies` of the outlines."""
        if tilt_rad > UPRIGHT_RAD:
            return False
        x_m = rover.x_m + AHEAD_M * math.cos(rover.heading_rad)
        y_m = rover.y_m + AHEAD_M * math.sin(rover.heading_rad)
        return all(
            outline.at(bodies[outline.body]).distance_m(x_m, y_m) >= BODY_RADIUS_M + self.clear_m
            for outline in self.outlines
        )

    def success(self, held_ticks: int) -> Success:
        """The same in words."""
        return Success(
            name=self.name,
            version=self.version,
            held_ticks=held_ticks,
            sentence=(
                f"Upright within {math.degrees(UPRIGHT_RAD):.0f}°, and "
                f"{self.clear_m * 100:.0f} cm of floor between the body and {self.of}"
            ),
            judge="simulator",
        )


@dataclass(frozen=True)
class Scenario:
    """A way to get stuck, and what has to be achieved then."""

    task: str
    start: str  # what happens, for people
    goal: Goal
    arrange: Arrange  # where the trouble stands, from where the goal's bodies stood before
    begin: Begin  # where the rover starts, from where those stand then
    adds: str = ""  # a scene part in resources/scenes, its names prefixed with "NAME/"


def as_it_stands(stand: Poses, rng: np.random.Generator) -> dict[str, Pose]:
    """Nothing is moved."""
    del stand, rng
    return {}


def _uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(rng.uniform(*span))


# --- wedged under the sofa ---

APPROACH_M: Final = (1.1, 1.9)  # from the sofa's front edge; 4 to 7 s at the patrol's speed
APPROACH_RAD: Final = (0.14, 0.48)  # off the sofa's normal; clears the low table by 0.1 m
ENTRY_M: Final = (-0.5, 0.05)  # where along the front edge; the sofa's legs stand at +-0.88
SOFA: Final = Outline("sofa", 0.955, 0.42)  # armrests included


def before_the_sofa(stand: Poses, rng: np.random.Generator) -> Pose:
    """Start the rover on open floor, on a straight line that leads under the sofa's front."""
    sofa = stand[SOFA.body]
    entry, distance = rng.uniform(*ENTRY_M), rng.uniform(*APPROACH_M)
    slant = rng.uniform(*APPROACH_RAD)
    heading = sofa.heading_rad + math.pi / 2 - slant  # the sofa's front looks along its own -y
    cos, sin = math.cos(sofa.heading_rad), math.sin(sofa.heading_rad)
    front_x = sofa.x_m + cos * entry + sin * SOFA.half_depth_m
    front_y = sofa.y_m + sin * entry - cos * SOFA.half_depth_m
    return Pose(
        front_x - distance * math.cos(heading), front_y - distance * math.sin(heading), heading
    )


# --- high-centred on the sill of the front door ---

SILL: Final = Outline("sill/step", 0.48, 0.191, ahead_m=0.169)  # bevel and step
SILL_AT: Final = Pose(-0.6, -1.63, math.pi)  # the step reaches to the door; local +y leads there
SILL_MOVES_M: Final = (-0.05, 0.05)
SILL_TURNS_RAD: Final = (-0.03, 0.03)
SILL_ENTRY_M: Final = (-0.2, 0.2)  # where along the edge
SILL_AWAY_M: Final = (0.8, 1.6)  # from the edge: 3 to 5 s
SILL_SLANT_RAD: Final = (-0.15, 0.15)  # off the sill's normal


def sill_at_the_door(stand: Poses, rng: np.random.Generator) -> dict[str, Pose]:
    """Lay the sill before the front door."""
    del stand  # the sill is where the door is
    heading = SILL_AT.heading_rad + _uniform(rng, SILL_TURNS_RAD)
    return {SILL.body: Pose(SILL_AT.x_m + _uniform(rng, SILL_MOVES_M), SILL_AT.y_m, heading)}


def before_the_sill(stand: Poses, rng: np.random.Generator) -> Pose:
    """Start the rover in the middle of the room, on a line up the front door's sill."""
    sill = stand[SILL.body]
    entry, away = _uniform(rng, SILL_ENTRY_M), _uniform(rng, SILL_AWAY_M)
    course = sill.heading_rad + math.pi / 2 - _uniform(rng, SILL_SLANT_RAD)
    return Pose(
        sill.x_m + entry * math.cos(sill.heading_rad) - away * math.cos(course),
        sill.y_m + entry * math.sin(sill.heading_rad) - away * math.sin(course),
        course,
    )


# --- between chair legs ---

TABLE: Final = Outline("dining_table", 0.573, 0.373)  # its legs
CHAIRS: Final = (Outline("chair_1", 0.2, 0.2), Outline("chair_2", 0.2, 0.2))
TABLE_LEG_M: Final = (0.54, 0.34)  # from the table's middle: the leg that ends the pocket
CHAIR_LEG_M: Final = 0.185  # outer face of a chair's legs, from its middle
POCKET_M: Final = (0.346, 0.35)  # between the legs of both chairs; the body takes 0.336
CHAIR_BACK_M: Final = (0.35, 0.38)  # from the table's leg to the chairs' middle, along y
CHAIR_TURNS_RAD: Final = (-0.04, 0.04)
CHAIR_AWAY_M: Final = (0.55, 0.85)  # from the gap to the start
CHAIR_SLANT_RAD: Final = (-0.08, 0.08)
TOYS_AWAY: Final = Pose(-2.15, 1.6, 0.3)  # the box stands where the rover starts
GAP_MISSED_M: Final = (-0.0015, 0.0015)


def chairs_at_the_table(stand: Poses, rng: np.random.Generator) -> dict[str, Pose]:
    """Two chairs beside a table's leg: a pocket as wide as the body."""
    table = stand[TABLE.body]
    leg_x, leg_y = table.x_m + TABLE_LEG_M[0], table.y_m + TABLE_LEG_M[1]
    half_gap, back = _uniform(rng, POCKET_M) / 2, _uniform(rng, CHAIR_BACK_M)
    beside = half_gap + CHAIR_LEG_M
    return {
        "chair_1": Pose(leg_x - beside, leg_y + back, 0.0),
        "chair_2": Pose(leg_x + beside, leg_y + back, 0.0),
        "toy_box": TOYS_AWAY,
    }


def before_the_chairs(stand: Poses, rng: np.random.Generator) -> Pose:
    """Start the rover on a line in between them."""
    leg_x = stand[TABLE.body].x_m + TABLE_LEG_M[0]
    gap_y = stand["chair_1"].y_m + 0.18  # the legs of the chairs' backs
    course = -math.pi / 2 + _uniform(rng, CHAIR_SLANT_RAD)
    away, missed = _uniform(rng, CHAIR_AWAY_M), _uniform(rng, GAP_MISSED_M)
    return Pose(leg_x + missed - away * math.cos(course), gap_y - away * math.sin(course), course)


# --- on a loose rug ---

RUNNER: Final = Outline("loose_rug/cloth", 0.6, 0.36)
RUNNER_PLACE: Final = "loose_rug/place"  # below the cloth, which moves
RUNNER_AT: Final = Pose(-0.25, -0.35, -math.pi / 2)
RUNNER_MOVES_M: Final = (-0.08, 0.08)
RUNNER_TURNS_RAD: Final = (-0.25, 0.25)
RUNNER_ENTRY_M: Final = (-0.1, 0.1)
RUNNER_AWAY_M: Final = (0.25, 0.5)  # from its edge
RUNNER_SLANT_RAD: Final = (-0.08, 0.08)


def runner_on_the_floor(stand: Poses, rng: np.random.Generator) -> dict[str, Pose]:
    """Lay the runner in the middle of the room."""
    del stand  # nothing else is moved
    heading = RUNNER_AT.heading_rad + _uniform(rng, RUNNER_TURNS_RAD)
    x_m = RUNNER_AT.x_m + _uniform(rng, RUNNER_MOVES_M)
    y_m = RUNNER_AT.y_m + _uniform(rng, RUNNER_MOVES_M)
    return {RUNNER_PLACE: Pose(x_m, y_m, heading)}


def before_the_runner(stand: Poses, rng: np.random.Generator) -> Pose:
    """Start the rover before its end."""
    place = stand[RUNNER_PLACE]
    entry, away = _uniform(rng, RUNNER_ENTRY_M), _uniform(rng, RUNNER_AWAY_M)
    course = place.heading_rad + _uniform(rng, RUNNER_SLANT_RAD)
    cos, sin = math.cos(place.heading_rad), math.sin(place.heading_rad)
    edge_x = place.x_m - cos * RUNNER.half_length_m - sin * entry
    edge_y = place.y_m - sin * RUNNER.half_length_m + cos * entry
    return Pose(edge_x - away * math.cos(course), edge_y - away * math.sin(course), course)


SCENARIOS: Final[dict[str, Scenario]] = {
    "wedged-under-sofa": Scenario(
        task="Reach open floor",
        start="Patrols, drives under the sofa and jams its turret against the underside.",
        goal=Goal("open-floor", 0.15, "the sofa", (SOFA,)),
        arrange=as_it_stands,
        begin=before_the_sofa,
    ),
    "high-centred": Scenario(
        task="Back off the sill onto the floor",
        start="Patrols, climbs the front door's sill and rests on its edge, wheels unloaded.",
        goal=Goal("off-the-sill", 0.15, "the sill", (SILL,)),
        arrange=sill_at_the_door,
        begin=before_the_sill,
        adds="sill",
    ),
    "chair-legs": Scenario(
        task="Get out from between the chairs",
        start="Patrols, drives in between two chairs and a table's leg and bumps about there.",
        goal=Goal("clear-of-chairs", 0.15, "chairs and table", (*CHAIRS, TABLE)),
        arrange=chairs_at_the_table,
        begin=before_the_chairs,
    ),
    "loose-rug": Scenario(
        task="Get off the loose rug",
        start="Patrols, pushes a loose rug into folds and spins its wheels on the cloth.",
        goal=Goal("off-the-rug", 0.05, "the rug", (RUNNER,)),
        arrange=runner_on_the_floor,
        begin=before_the_runner,
        adds="loose_rug",
    ),
}
