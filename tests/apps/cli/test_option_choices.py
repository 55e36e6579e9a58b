"""The command line names choices itself, so that its help imports little."""

from typing import get_args

from rechroma.apps.cli import command, kind_options, mask_options
from rechroma.imaging.print_damage import GROUPS
from rechroma.inference.even_tone import EVEN_TONE
from rechroma.inference.find_choices import FILLED, FIND, FOUND
from rechroma.settings import AIMS, Holes


def test_choices_are_those_of_the_engine():
    assert command.AIMS == AIMS
    assert get_args(Holes) == mask_options.HOLES
    assert tuple(EVEN_TONE) == kind_options.EVEN_TONE
    assert (*GROUPS, "flat") == FOUND
    assert set(FILLED) == {*FOUND} - {"stain"}
    assert "lines" in FIND
