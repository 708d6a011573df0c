"""Small environments with Gymnasium's interface, each hiding something, to test the adapter."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from teleop.gym_robot import GymRobot, Judging
from teleop.mujoco_loading import mujoco

_instances = itertools.count()


class Box:
    """Of gymnasium.spaces."""

    def __init__(self, size: int, dtype: str = "<f4") -> None:
        self.low, self.high = np.full(size, -1.0), np.full(size, 1.0)
        self.shape, self.dtype = (size,), np.dtype(dtype)


class Discrete:
    """Of gymnasium.spaces."""

    shape = ()
    dtype = np.dtype(np.int64)

    def __init__(self, n: int) -> None:
        self.n, self.start = n, 0


class Cart:
    """A point on a line that is pushed to 1 m: nothing is hidden."""

    metadata = {"render_fps": 20}  # noqa: RUF012
    action_space: Any = Box(1)

    def __init__(self) -> None:
        self.x_m, self.speed_mps = 0.0, 0.0
        self.np_random: np.random.Generator | None = None
        self.closed = 0

    @property
    def unwrapped(self) -> Any:
        return self

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.np_random = np.random.default_rng(seed)
        self.x_m, self.speed_mps = float(self.np_random.uniform(-0.1, 0.1)), 0.0
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.push(float(np.ravel(action)[0]))
        return self.seen(), -abs(1.0 - self.x_m), False, False, self.info()

    def push(self, force: float) -> None:
        self.speed_mps = 0.9 * self.speed_mps + 0.05 * force
        self.x_m += self.speed_mps * 0.05

    def seen(self) -> Any:
        return np.array([self.x_m])

    def info(self) -> dict[str, Any]:
        return {"is_success": self.x_m > 0.05}

    def close(self) -> None:
        self.closed += 1


class Gust(Cart):
    """Random numbers decide how it moves, and the generator is the environment's own."""

    def push(self, force: float) -> None:
        assert self.np_random is not None
        super().push(force + float(self.np_random.normal()))


class Delayed(Cart):
    """A controller below it remembers: a queue of commands, a filter, and a picture of its own."""

    class Controller:
        def __init__(self) -> None:
            self.queue = [0.0, 0.0]
            self.filtered = np.zeros(1, np.float32)
            self.last: np.ndarray[Any, Any] | None = None

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.controller = self.Controller()
        self.filter = self.controller.filtered  # two names for one array
        return super().reset(seed=seed)

    def push(self, force: float) -> None:
        controller = self.controller
        controller.queue.append(force)
        self.filter += np.float32(0.3) * (np.float32(controller.queue.pop(0)) - self.filter)
        last = 0.0 if controller.last is None else float(controller.last[0])
        controller.last = np.array([force])
        super().push(float(controller.filtered[0]) + 0.1 * last)


class Counting(Cart):
    """It counts tasks that are done, by name, and most episodes do none; beside it a log grows."""

    def __init__(self) -> None:
        super().__init__()
        self.instance = next(_instances)  # no state: it differs between two of a kind
        self.tasks = {"reach", "leave"}
        self.log: list[float] = []

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.tasks, self.log = {"reach", "leave"}, []
        return super().reset(seed=seed)

    def push(self, force: float) -> None:
        super().push(force)
        self.log.append(self.x_m)
        if self.x_m > 5:
            self.tasks.discard("reach")

    def info(self) -> dict[str, Any]:
        return {"tasks_to_complete": sorted(self.tasks)}


class Hidden(Cart):
    """Its speed is where Python cannot look: in a generator's frame."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.motor = self._motor()
        next(self.motor)
        return super().reset(seed=seed)

    def push(self, force: float) -> None:
        self.x_m += self.motor.send(force) * 0.05

    @staticmethod
    def _motor() -> Any:
        speed, force = 0.0, 0.0
        while True:
            speed = 0.9 * speed + 0.05 * force
            force = yield speed


class Telling(Hidden):
    """Hidden, too, but it offers its state itself."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.pushes: Callable[[], Any] = _memory()
        return Cart.reset(self, seed=seed)

    def push(self, force: float) -> None:
        kept = self.pushes()
        kept["speed"] = 0.9 * kept["speed"] + 0.05 * force
        self.x_m += kept["speed"] * 0.05

    def get_env_state(self) -> dict[str, float]:
        return dict(self.pushes())

    def set_env_state(self, state: dict[str, float]) -> None:
        self.pushes().update(state)


def _memory() -> Callable[[], Any]:
    kept = {"speed": 0.0}
    return lambda: kept


class Rare(Cart):
    """What is hidden shows in one step of an episode only."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.counted = itertools.count().__next__  # a method of something without attributes
        return super().reset(seed=seed)

    def push(self, force: float) -> None:
        super().push(force + (1.0 if self.counted() == 50 else 0.0))


class Worn(Hidden):
    """A reset leaves its motor turning."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        if hasattr(self, "motor"):
            return Cart.reset(self, seed=seed)
        return super().reset(seed=seed)


class Entropic(Hidden):
    """Each episode is another one, whatever the seed."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        return super().reset(seed=None)


class OldSeed(Cart):
    """Only the old `seed` method seeds it."""

    def __init__(self) -> None:
        super().__init__()
        self.np_random = np.random.default_rng()

    def seed(self, seed: int) -> None:
        self.np_random = np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        assert self.np_random is not None
        self.x_m, self.speed_mps = float(self.np_random.uniform(-0.1, 0.1)), 0.0
        return self.seen(), {}


class Silent(Cart):
    """It never says whether its task is solved."""

    def info(self) -> dict[str, Any]:
        return {}


class Stepping(Cart):
    """It takes one of three choices."""

    action_space = Discrete(3)

    def push(self, force: float) -> None:
        super().push(force - 1.0)


ARM = """
<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <body name="goal" pos="0 0 0"><geom size="0.01" contype="0" conaffinity="0"/></body>
    <body name="hand" mocap="true" pos="0.3 0 0.3"/>
    <body name="arm" pos="0 0 0.3">
      <joint name="shoulder" axis="0 0 1" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0.3 0 0" size="0.02"/>
      <body name="tip" pos="0.3 0 0">
        <joint name="elbow" axis="0 0 1" damping="0.05"/>
        <geom type="capsule" fromto="0 0 0 0.2 0 0" size="0.02"/>
      </body>
    </body>
  </worldbody>
  <equality><weld body1="hand" body2="tip" solref="0.05 1"/></equality>
  <sensor><framepos objtype="body" objname="tip"/></sensor>
</mujoco>
"""


class Arm(Cart):
    """On MuJoCo; a reset moves a body of the model, and a step begins from stale poses."""

    action_space = Box(2)
    metadata = {"render_fps": 50}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.model = mujoco.MjModel.from_xml_string(ARM)
        self.data = mujoco.MjData(self.model)

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        rng = np.random.default_rng(seed)
        mujoco.mj_resetData(self.model, self.data)
        self.model.body("goal").pos[:2] = rng.uniform(0.1, 0.3, 2)
        mujoco.mj_forward(self.model, self.data)
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        # From where the tip was before the last substep, as gymnasium-robotics' Fetch does.
        self.data.mocap_pos[0] = self.data.body("tip").xpos
        self.data.mocap_pos[0, :2] += 0.05 * np.asarray(action, np.float64)
        mujoco.mj_step(self.model, self.data, 2)
        return self.seen(), 0.0, False, False, {"success": bool(self.distance_m() < 0.05)}

    def distance_m(self) -> float:
        apart = self.data.body("tip").xpos - self.model.body("goal").pos
        return float(np.linalg.norm(apart[:2]))

    def seen(self) -> Any:
        return {"tip": self.data.body("tip").xpos.copy(), "picture": np.zeros((40, 40, 3))}


class FreshArm(Arm):
    """Its steps end with poses that belong to its state."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        super().step(action)
        mujoco.mj_forward(self.model, self.data)
        return self.seen(), 0.0, False, False, {"success": bool(self.distance_m() < 0.05)}


KINDS: dict[str, type[Cart]] = {
    kind.__name__: kind
    for kind in (
        *(Cart, Gust, Delayed, Counting, Hidden, Rare, Telling, Worn, Entropic, OldSeed),
        *(Silent, Stepping, Arm, FreshArm),
    )
}


def robot_of(name: str, judging: Judging | None = None) -> GymRobot:
    """The environment of class `name`, in the episode of seed 3."""
    return GymRobot(name, 3, judging=judging or Judging(), make=KINDS[name])


def cart() -> GymRobot:
    return robot_of("Cart")


def gust() -> GymRobot:
    return robot_of("Gust")


def delayed() -> GymRobot:
    return robot_of("Delayed")


def counting() -> GymRobot:
    return robot_of("Counting")


def hidden() -> GymRobot:
    return robot_of("Hidden")


def rare() -> GymRobot:
    return robot_of("Rare")


def telling() -> GymRobot:
    return robot_of("Telling")


def worn() -> GymRobot:
    return robot_of("Worn")


def entropic() -> GymRobot:
    return robot_of("Entropic")


def old_seed() -> GymRobot:
    return robot_of("OldSeed")


def silent() -> GymRobot:
    return robot_of("Silent")


def silent_with_reward() -> GymRobot:
    return robot_of("Silent", Judging(solved_reward=-0.95))


def stepping() -> GymRobot:
    return robot_of("Stepping")


def fresh_arm() -> GymRobot:
    return robot_of("FreshArm")


def arm() -> GymRobot:
    return robot_of("Arm")
