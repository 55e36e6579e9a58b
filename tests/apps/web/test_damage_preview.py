import zlib
from base64 import b64decode

import numpy as np
import pytest

from rechroma.apps.web.damage_preview import DamagePreview
from rechroma.apps.web.strokes import PreviewSize
from rechroma.inference.find_all_damage import LikelyDamage
from rechroma.inference.find_choices import FOUND


@pytest.fixture(scope="module")
def found():
    generator = np.random.default_rng(0)
    probability = generator.integers(0, 256, (300, 401)).astype(np.uint8)
    groups = generator.integers(0, 6, (300, 401)).astype(np.uint8)
    probability[generator.random((300, 401)) < 0.9] = 0
    probability[groups == len(FOUND)] = 255
    return LikelyDamage(probability, groups)


def painted(data, sensitivity, groups):
    """What mask_editor.js paints."""
    planes = np.frombuffer(zlib.decompress(b64decode(data["planes"])), np.uint8)
    planes = planes.reshape(-1, data["height"], data["width"])
    needed = data["needed"][round(sensitivity * (len(data["needed"]) - 1))]
    mask = np.zeros(planes.shape[1:], bool)
    for plane, least, group in zip(planes, needed, data["groups"], strict=True):
        if group["name"] in groups:
            mask |= plane >= least
    return mask


@pytest.mark.parametrize("sensitivity", [0, 0.37, 0.5, 1])
@pytest.mark.parametrize("groups", [FOUND, ("line", "area"), ("flat",), ()])
def test_the_browser_paints_exactly_what_will_be_filled(found, sensitivity, groups):
    size = PreviewSize(75, 100)
    data = DamagePreview.of(found, size).browser_data(FOUND)
    mask = found.weighed(sensitivity, groups).mask
    expected = size.reduce_maximum(mask.astype(np.uint8)) > 0
    assert np.array_equal(painted(data, sensitivity, groups), expected)


@pytest.mark.parametrize("sensitivity", [0, 0.25, 1])
def test_shares_are_those_of_the_whole_photograph(found, sensitivity):
    shares = DamagePreview.of(found, PreviewSize(3, 4)).shares(sensitivity)
    assert shares == pytest.approx(found.weighed(sensitivity).shares, abs=1e-6)


def test_only_the_groups_that_are_looked_for_are_sent(found):
    data = DamagePreview.of(found, PreviewSize(75, 100)).browser_data(("flat",))
    assert [group["name"] for group in data["groups"]] == ["flat"]
    assert len(zlib.decompress(b64decode(data["planes"]))) == 75 * 100
    assert {len(needed) for needed in data["needed"]} == {1}
