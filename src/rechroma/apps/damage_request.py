"""Damage as a caller of the Python API asks for it, checked in the caller's own words."""

from collections.abc import Collection

from rechroma.deployment.bundled_finder import load_bundled_finder
from rechroma.errors import UserError
from rechroma.imaging.types import Luma
from rechroma.inference.find_all_damage import AllDamage, find_all_damage
from rechroma.inference.find_choices import FIND, FOUND, Find, uses_network


def find_requested(
    gray: Luma, find: Find, sensitivity: float, groups: Collection[str]
) -> AllDamage:
    """The damage of an `(H, W)` uint8 photograph; arguments as of `python_api.find_damage`.

    Raises:
        UserError: as there.
    """
    if find not in FIND:
        raise UserError(f"find: is '{find}', expected one of {', '.join(FIND)}")
    if not 0 <= sensitivity <= 1:
        raise UserError(f"sensitivity: is {sensitivity}, expected 0 to 1")
    groups = [groups] if isinstance(groups, str) else groups
    if unknown := [group for group in groups if group not in FOUND]:
        raise UserError(f"groups: has '{unknown[0]}', expected some of {', '.join(FOUND)}")
    finder = load_bundled_finder() if uses_network(find) else None
    if uses_network(find) and finder is None:
        raise UserError("find: the network that finds scratches is missing; install rechroma again")
    return find_all_damage(gray, find, sensitivity, finder, groups)
