"""Whether a robot, as it describes itself, can be driven under a site's limits. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from msgspec import structs

from teleop.axes import ALL
from teleop.safety import ConfigError, Limits
from transport.messages import Description

SPEEDS: Final = (
    "max_mps",
    "max_radps",
    "max_grip_ps",
)  # that a robot may have limits of its own for


def introduced(description: Description, robot: str, site: str, limits: Limits) -> Description:
    """A robot's description with its name, where it is, and the limits it is driven under.

    Raises:
        ConfigError: it names no axis, or one that cannot be driven; or a limit is above what it
            can do itself.
    """
    _check_axes(description)
    _check_limits(description, limits)
    return structs.replace(
        description,
        robot=robot,
        site=site,
        limits={
            name: float(value)
            for name, value in asdict(limits).items()
            if isinstance(value, int | float)
        },
    )


def _check_axes(description: Description) -> None:
    names = description.action_names
    unknown = [name for name in names if name not in ALL]
    if unknown or not names:
        what = f"{', '.join(unknown)} cannot be driven" if unknown else "it names no axis"
        raise ConfigError(
            f"action_names of {description.robot_type}: {what}; those that can are {', '.join(ALL)}"
        )


def _check_limits(description: Description, limits: Limits) -> None:
    """The gate's ramp holds only for speeds that the robot really carries out."""
    for name in SPEEDS:
        own = description.controller.get(name)
        allowed = getattr(limits, name)
        if own is not None and allowed > own:
            raise ConfigError(f"{name} = {allowed} is above the robot's own {own}")
