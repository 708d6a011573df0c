"""What is drawn for a camera is what MuJoCo draws of everything, at less work."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from OpenGL.error import Error as GLError

from teleop import mujoco_cameras
from teleop.home_paint import paint
from teleop.home_scene import SCENARIOS, build
from teleop.lens import Lens
from teleop.mujoco_cameras import MujocoCameras
from teleop.mujoco_loading import mujoco
from teleop.mujoco_sight import Sight
from teleop.mujoco_state import set_state
from teleop.robot import Image, RobotError
from teleop.sim_arm import ArmCameras, SimArm
from teleop.sim_rover import SimCameras, SimRover
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Twist

STILL = Lens(left=-0.5, right=0.5, bottom=-0.5, top=0.5)
ROOM = """
<mujoco>
  <visual><quality shadowsize="0"/></visual>
  <statistic extent="2"/>
  <asset><material name="plain"/></asset>
  <worldbody>
    <light name="sun" type="directional"/>
    <camera name="above" pos="0 0 5"/>
    <geom name="floor" type="box" size="3 3 0.1"/>
    <geom name="wall" type="plane" size="3 3 1"/>
    <geom name="cup" type="sphere" size="0.1" pos="0.5 0 0.5" material="plain"/>
    <geom name="far" type="sphere" size="0.1" pos="9 0 0.5"/>
    <geom name="collision" type="sphere" size="0.1" group="3"/>
    <site name="mark" pos="0 0 0.2"/>
    <body name="shelf"><geom name="shelf" type="box" size="0.1 0.1 0.1"/></body>
    <body name="car">
      <freejoint/>
      <geom name="car" type="box" size="0.1 0.1 0.1"/>
      <site name="lamp"/>
      <camera name="aboard"/>
    </body>
  </worldbody>
</mujoco>
"""


def sight_of(xml: str) -> tuple[Any, Sight]:
    model = mujoco.MjModel.from_xml_string(xml)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, Sight(model, data)


def groups(model: Any) -> dict[str, int]:
    return {model.geom(number).name: int(model.geom_group[number]) for number in range(model.ngeom)}


def shown(model: Any, sight: Sight) -> tuple[set[str], set[str]]:
    """Names of the geoms that are drawn first, and of those that are drawn last."""
    first, last = (
        {name for name, group in groups(model).items() if option.geomgroup[group]}
        for option in (sight.first, sight.last)
    )
    return first, last


def test_what_is_large_comes_last_and_nothing_twice() -> None:
    model, sight = sight_of(ROOM)
    sight.choose(model.camera("above").id, None)
    assert shown(model, sight) == ({"cup", "far", "shelf", "car"}, {"floor", "wall"})
    assert not sight.last.sitegroup.any()


def test_what_is_out_of_sight_is_left_out() -> None:
    model, sight = sight_of(ROOM)
    sight.choose(model.camera("above").id, STILL)
    assert shown(model, sight) == ({"cup", "shelf", "car"}, {"floor", "wall"})
    sight.choose(model.camera("above").id, None)
    assert "far" in shown(model, sight)[0]


def test_what_moves_can_be_left_out() -> None:
    model, sight = sight_of(ROOM)
    sight.choose(model.camera("above").id, STILL, moving=False)
    assert shown(model, sight) == ({"cup", "shelf"}, {"floor", "wall"})
    assert not sight.first.sitegroup[model.site("lamp").group[0]]
    assert sight.first.sitegroup[model.site("mark").group[0]]
    sight.choose(model.camera("above").id, STILL)
    assert "car" in shown(model, sight)[0]
    assert sight.first.sitegroup[model.site("lamp").group[0]]


def test_only_a_camera_that_stands_still_sees_the_same_again() -> None:
    model, sight = sight_of(ROOM)
    assert sight.stands_still(model.camera("above").id)
    assert not sight.stands_still(model.camera("aboard").id)


@pytest.mark.parametrize(
    ("of", "instead"),
    [
        ('shadowsize="0"', 'shadowsize="1024"'),
        ('<material name="plain"', '<material name="plain" reflectance="0.3"'),
        ('<camera name="above"', '<camera name="above" mode="targetbody" target="car"'),
        ('<light name="sun"', '<light name="sun" mode="targetbody" target="car"'),
        ('<site name="lamp"/>', '<site name="lamp"/><light name="lamp"/>'),
        (
            "</worldbody>",
            '</worldbody><tendon><spatial name="t"><site site="mark"/><site site="lamp"/>'
            "</spatial></tendon>",
        ),
        ("</worldbody>", '</worldbody><sensor><rangefinder site="lamp"/></sensor>'),
    ],
)
def test_where_what_moves_changes_the_rest_nothing_is_kept(of: str, instead: str) -> None:
    assert of in ROOM
    model, sight = sight_of(ROOM.replace(of, instead))
    assert not sight.stands_still(model.camera("above").id)


@pytest.mark.parametrize(
    ("of", "instead", "needs"),
    [
        ("", "", False),
        ('shadowsize="0"', 'shadowsize="1024"', True),
        ('<material name="plain"', '<material name="plain" reflectance="0.3"', True),
    ],
)
def test_only_shadows_and_mirrors_need_a_stencil(of: str, instead: str, needs: bool) -> None:
    assert sight_of(ROOM.replace(of, instead))[1].needs_stencil is needs


def test_a_body_that_is_placed_from_outside_moves() -> None:
    model, sight = sight_of(ROOM.replace('<body name="shelf">', '<body name="shelf" mocap="true">'))
    sight.choose(model.camera("above").id, STILL, moving=False)
    assert shown(model, sight)[0] == {"cup"}


def test_a_window_covers_what_moves() -> None:
    model, sight = sight_of(ROOM)
    window = sight.covered(model.camera("above").id, STILL, 640, 640)
    assert window is not None
    assert window.left <= 320 <= window.left + window.width
    assert window.width < 100


# --- against MuJoCo's own picture -----------------------------------------------------------------

CASES = [*((SimCameras, name) for name in SCENARIOS), (ArmCameras, "pick-place")]
SOMEWHERE = Twist(forward_mps=0.3, turn_radps=0.4)


def drawn_plainly(rig: MujocoCameras, camera: str, state: bytes) -> Image:
    """As MuJoCo draws it by itself, into the rig's own buffer with the rig's own textures."""
    model, data, view = rig._model, mujoco.MjData(rig._model), mujoco.MjvCamera()
    chosen = model.geom_group.copy(), model.site_group.copy()
    plain = rig.plain_groups  # type: ignore[attr-defined]
    model.geom_group[:], model.site_group[:] = plain
    set_state(model, data, state)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
    view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera(camera).id
    scene, every = mujoco.MjvScene(model, maxgeom=1000), mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, view, every, scene)
    model.geom_group[:], model.site_group[:] = chosen
    rect = mujoco.MjrRect(0, 0, rig.width, rig.height)
    rig._gl.make_current()
    mujoco.mjr_render(rect, scene, rig._context)
    bottom_up = np.empty((rig.height, rig.width, 3), np.uint8)
    mujoco.mjr_readPixels(bottom_up, None, rect, rig._context)
    return bottom_up[::-1]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case[1])
def drawn(request: pytest.FixtureRequest) -> Iterator[tuple[MujocoCameras, list[bytes]]]:
    """A rig of every scenario, and states that its robot passes."""
    make, scenario = request.param
    robot = (SimArm if make is ArmCameras else SimRover)(scenario, 0)
    states = [robot.snapshot()]
    for tick in range(240):
        robot.apply(SOMEWHERE)
        if tick % 60 == 59:
            states.append(robot.snapshot())
    rig = make(scenario, 0)
    rig.gives_way = False
    rig.plain_groups = rig._model.geom_group.copy(), rig._model.site_group.copy()
    try:
        rig.open()
    except RobotError as error:
        pytest.skip(str(error))
    yield rig, states
    rig.close()


def test_a_picture_is_mujocos_own(drawn: tuple[MujocoCameras, list[bytes]]) -> None:
    rig, states = drawn
    for camera in rig.names:
        for state in states:
            picture, plain = rig.render(camera, state), drawn_plainly(rig, camera, state)
            assert isinstance(picture, np.ndarray)
            differ = np.abs(picture.astype(int) - plain).max(2)
            # Of a part alone, a shape's edge may be rounded to the pixel beside it.
            assert (differ > 2).sum() <= 4, camera


def test_a_picture_does_not_depend_on_the_one_before(
    drawn: tuple[MujocoCameras, list[bytes]],
) -> None:
    rig, states = drawn
    for camera in rig.names:
        first = [rig.render(camera, state) for state in states]
        for state, picture in reversed(list(zip(states, first, strict=True))):
            assert np.array_equal(rig.render(camera, state), picture)


def test_a_picture_may_be_written_to(drawn: tuple[MujocoCameras, list[bytes]]) -> None:
    rig, states = drawn
    camera = rig.names[-1]
    picture = rig.render(camera, states[0])
    assert isinstance(picture, np.ndarray)
    kept = picture.copy()
    picture[:] = 0
    assert np.array_equal(rig.render(camera, states[0]), kept)


def test_of_a_camera_at_the_ceiling_only_what_moves_is_drawn_anew(
    drawn: tuple[MujocoCameras, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, states = drawn
    camera = rig.names[-1]
    sizes: list[int] = []
    render = mujoco.mjr_render

    def watched(rect: Any, scene: Any, context: Any) -> None:
        sizes.append(rect.width * rect.height)
        render(rect, scene, context)

    rig.render(camera, states[0])
    monkeypatch.setattr(mujoco_cameras.mujoco, "mjr_render", watched)
    for state in states:
        rig.render(camera, state)
    assert len(sizes) == len(states)
    assert max(sizes) < 0.5 * rig.width * rig.height


def refuse(*_: object) -> None:
    raise GLError("not here")


@pytest.mark.parametrize(
    ("name", "instead"),
    [("glGenRenderbuffers", refuse), ("glCheckFramebufferStatus", lambda *_: 0)],
)
def test_with_or_without_a_stencil_pictures_are_the_same(
    name: str, instead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where depth alone is refused, MuJoCo's own buffer remains."""
    state = SimRover("wedged-under-sofa", 0).snapshot()
    pictures: list[list[Any]] = []
    for _ in range(2):
        rig = SimCameras("wedged-under-sofa", 0, width=320, height=240)
        try:
            pictures.append([rig.render(camera, state) for camera in rig.names])
        except RobotError as error:
            pytest.skip(str(error))
        finally:
            rig.close()
        monkeypatch.setattr(f"OpenGL.GL.{name}", instead)
    assert np.array_equal(*pictures)


def test_rigs_that_open_again_draw_what_stands_still_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shade = 1.0

    def darker(model: Any) -> None:
        paint(model, 0)
        model.mat_rgba[:, :3] *= shade

    model = build("wedged-under-sofa", 0, drawn=True).model
    rig = MujocoCameras(model, ("ceiling",), darker, 320, 240)
    state = SimRover("wedged-under-sofa", 0).snapshot()
    try:
        bright = rig.render("ceiling", state)
    except RobotError as error:
        pytest.skip(str(error))
    rig.close()
    shade = 0.5
    dark = rig.render("ceiling", state)
    rig.close()
    assert isinstance(bright, np.ndarray)
    assert isinstance(dark, np.ndarray)
    assert dark.mean() < 0.8 * bright.mean()


# --- who has the cores first ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("took_ms", "waits"), [(1, False), (4, False), (5, True), (9, True), (10, False), (40, False)]
)
def test_only_drawing_that_takes_a_while_and_has_time_waits_for_the_picture_before(
    took_ms: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each camera by its own pace: two of them, the other is quick."""
    rig = SimCameras("wedged-under-sofa", 0)
    now_ns, until = NS_PER_S, []
    paces = {"front": took_ms * NS_PER_MS, "ceiling": NS_PER_MS}

    def draw(view: Any) -> Image:
        nonlocal now_ns
        now_ns += paces[view]
        return np.zeros((480, 640, 3), np.uint8)

    monkeypatch.setattr(mujoco_cameras, "now_ns", lambda: now_ns)
    monkeypatch.setattr(mujoco_cameras, "sleep_until", until.append)
    monkeypatch.setattr(rig, "_gl", SimpleNamespace(make_current=lambda: None))
    monkeypatch.setattr(rig, "_context", object())
    monkeypatch.setattr(rig, "_views", {camera: camera for camera in rig.names})
    monkeypatch.setattr(rig, "_picture", draw)
    state = SimRover("wedged-under-sofa", 0).snapshot()
    for camera in rig.names:
        rig.render(camera, state)
    assert not until  # nothing is known yet
    drawn_ns = now_ns
    for camera in rig.names:
        rig.render(camera, state)
    assert until == [drawn_ns + mujoco_cameras.GO_FIRST_NS] * waits
