from pathlib import Path

import skimage

from rechroma.apps.web.examples import NAMES, write_examples
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import read_gray


def test_the_examples_are_the_same_each_time_and_their_damage_is_found(tmp_path):
    written = write_examples(tmp_path / "one")
    again = write_examples(tmp_path / "two")
    assert [file.name for file in written] == [file.name for file in again]
    for name, file, other in zip(NAMES, written, again, strict=True):
        assert file.read_bytes() == other.read_bytes()
        damaged = read_gray(file)
        drawn = damaged != read_gray(Path(skimage.data_dir, name))
        found = find_damage(damaged)
        assert (drawn & found).sum() > 0.98 * (drawn | found).sum() > 0
