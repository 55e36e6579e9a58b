"""Damage as real prints have it, drawn with exact masks, and the aging of prints."""

from rechroma.imaging.print_damage.aging import age_print
from rechroma.imaging.print_damage.draw import KINDS, draw_print_damage
from rechroma.imaging.print_damage.kinds import GROUPS, NOTICED, Kind, PrintDamage

__all__ = ["GROUPS", "KINDS", "NOTICED", "Kind", "PrintDamage", "age_print", "draw_print_damage"]
