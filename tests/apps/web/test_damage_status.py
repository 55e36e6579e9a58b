import re

import numpy as np
import pytest

from rechroma.apps.batch.kinds_picture import COLORS
from rechroma.apps.web.damage_preview import DamagePreview
from rechroma.apps.web.damage_status import describe_damage, format_share, group_styles
from rechroma.apps.web.session import MaskSession
from rechroma.apps.web.strokes import PreviewSize
from rechroma.inference.find_all_damage import LikelyDamage
from rechroma.inference.find_choices import FOUND


@pytest.fixture
def session(tmp_path):
    """10 rows of 10 px: two of lines, one of stains, three flat."""
    groups = np.zeros((10, 10), np.uint8)
    for group, rows in (("line", slice(0, 2)), ("stain", slice(2, 3)), ("flat", slice(3, 6))):
        groups[rows] = 1 + FOUND.index(group)
    found = LikelyDamage(np.where(groups, np.uint8(255), np.uint8(0)), groups, ("<b>odd</b>",))
    preview = DamagePreview.of(found, PreviewSize(10, 10))
    return MaskSession(tmp_path / "old.png", "data:,", False, found, preview)


def text_of(html):
    return re.sub("<span[^>]*>|</span>", "", html)


def test_each_group_has_its_share_and_its_color(session):
    described = describe_damage(session, "lines", 0.5, ("line", "flat"))
    assert text_of(described) == (
        "10x10 px. Damage found: 50.0% of the photograph, lines 20.0%, flat areas 30.0%. "
        "Not filled: stains 10.0%. Doubt: &lt;b&gt;odd&lt;/b&gt;."
    )
    assert '<span class="group line">' in described


def test_only_what_is_looked_for_is_described(session):
    described = text_of(describe_damage(session, "flat", 0.5, ("flat",)))
    assert "photograph, flat areas 30.0%. Doubt" in described
    assert text_of(describe_damage(session, "none", 0.5, ())) == (
        "10x10 px. No damage to fill: color only. If there is damage, paint over it."
    )


def test_the_colors_are_those_of_the_pictures_of_kinds():
    styles = group_styles()
    for number, group in enumerate(FOUND, start=1):
        color = "rgb({}, {}, {})".format(*COLORS[group])
        assert f"#groups label:nth-child({number}) {{ --color: {color}; }}" in styles
        assert f".group.{group} {{ --color: {color}; }}" in styles


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0%"), (0.0001, "under 0.1%"), (0.1234, "12.3%")]
)
def test_a_share_is_formatted(share, text):
    assert format_share(share) == text
