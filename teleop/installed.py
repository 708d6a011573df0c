"""What is installed where a foreign robot or environment comes from: its version, its source.

The name of an environment says little: its source and its scenes change while the name stays.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path


def package_of(thing: object) -> str:
    """The top-level package that the class of `thing` is from; "" when it is from none."""
    top = type(thing).__module__.partition(".")[0]
    return top if getattr(sys.modules.get(top), "__path__", None) else ""


def versions_of(modules: Iterable[str]) -> dict[str, str]:
    """Version of each of `modules` that has been imported, of Python and of the machine."""
    return {
        **{name: version_of(name) for name in modules if name in sys.modules},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


@functools.lru_cache(maxsize=16)
def source_sha256(package: str) -> str:
    """Over names and contents of all files of an imported package: programs, scenes, meshes."""
    digest = hashlib.sha256()
    for folder in sorted(sys.modules[package].__path__):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(folder)).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def version_of(module: str) -> str:
    """Version of the package that `module` is from; "unknown" when there is none."""
    names = packages_distributions().get(module, [module])
    try:
        return version(names[0])
    except PackageNotFoundError:
        return "unknown"
