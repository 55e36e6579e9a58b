"""What was found on a photograph, as a sentence with the colors of its groups."""

from collections.abc import Collection
from html import escape

from rechroma.apps.batch.kinds_picture import COLORS
from rechroma.apps.web.session import MaskSession
from rechroma.inference.find_choices import FOUND, Find, groups_of

NAMES = {
    "line": "lines",
    "spot": "spots",
    "area": "areas",
    "stain": "stains",
    "flat": "flat areas",
}


def describe_damage(
    session: MaskSession, find: Find, sensitivity: float, groups: Collection[str]
) -> str:
    """The size of the photograph, and the share of each group of its damage, as HTML.

    Args:
        session: the photograph.
        find: what is looked for.
        sensitivity: 0 to 1.
        groups: those that are filled.
    """
    height, width = session.shape
    size = f"{width}x{height} px."
    if session.keeps_color:
        size += " It looks like a color photograph: it keeps its color."
    elif session.in_color:
        size += " It looks like a toned print: its tint is removed."
    shares = {
        group: share
        for group, share in session.preview.shares(sensitivity).items()
        if group in groups_of(find)
    }
    filled = {group: share for group, share in shares.items() if group in groups}
    left = {group: share for group, share in shares.items() if group not in groups}
    sentences = [size]
    if filled:
        total = format_share(sum(filled.values()))
        sentences.append(f"Damage found: {total} of the photograph, {_list_shares(filled)}.")
    else:
        effect = "" if session.keeps_color else ": color only"
        sentences.append(f"No damage to fill{effect}. If there is damage, paint over it.")
    if left:
        sentences.append(f"Not filled: {_list_shares(left)}.")
    if find != "none":
        sentences += [f"Doubt: {escape(doubt)}." for doubt in session.found.doubts]
    return " ".join(sentences)


def _list_shares(shares: dict[str, float]) -> str:
    return ", ".join(
        f'<span class="group {group}">{NAMES[group]}</span> {format_share(share)}'
        for group, share in shares.items()
    )


def group_styles() -> str:
    """CSS that gives each group its color, in the sentence and before its checkbox."""
    rules = []
    for number, group in enumerate(FOUND, start=1):
        color = "rgb({}, {}, {})".format(*COLORS[group])
        rules.append(f".group.{group} {{ --color: {color}; }}")
        rules.append(f"#groups label:nth-child({number}) {{ --color: {color}; }}")
    return "\n".join(rules)


def format_share(share: float) -> str:
    """A share, 0 to 1, as text.

    >>> format_share(0.25), format_share(0.0004)
    ('25.0%', 'under 0.1%')
    """
    return f"{share:.1%}" if share >= 0.001 or not share else "under 0.1%"
