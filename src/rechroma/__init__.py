"""Gives damaged gray photographs their color and their missing part back.

>>> import rechroma
>>> rechroma.restore("old.jpg").save("new.png")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rechroma.apps.python_api import find_damage, load_model, restore, score
    from rechroma.errors import UserError

__all__ = ["UserError", "__version__", "find_damage", "load_model", "restore", "score"]

# Where each public name is, imported when it is first used: `import rechroma` is light.
_HOMES = dict.fromkeys(
    ("find_damage", "load_model", "restore", "score"), "rechroma.apps.python_api"
)
_HOMES["UserError"] = "rechroma.errors"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("rechroma")
    if name not in _HOMES:
        raise AttributeError(f"module 'rechroma' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
