"""Which platforms there are: the modules of ``bridge.sources.platforms``, each imported when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil

from bridge.sources.contract import Platform


def available_platforms() -> list[str]:
    """Return the names of all platforms."""
    import bridge.sources.platforms as package

    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load_platform(name: str) -> Platform:
    """Import the platform called ``name``; ``KeyError`` if there is none."""
    if name not in available_platforms():
        raise KeyError(name)
    module = importlib.import_module(f"bridge.sources.platforms.{name}")
    platform = module.PLATFORM
    assert isinstance(platform, Platform)
    return platform
