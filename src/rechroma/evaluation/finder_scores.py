"""How much damage of prints is found, by kind: by the network and by two simple methods.

Damage is drawn on undamaged photographs, the same for every method and in every report; or its
masks were drawn by hand.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.evaluation.found_damage import FoundDamage
from rechroma.evaluation.tables import markdown_table
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.print_damage import KINDS, age_print, draw_print_damage
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.find_all_damage import LikelyDamage, finder_thresholds
from rechroma.inference.find_choices import SENSITIVITY
from rechroma.inference.find_print_damage import FinderBackend, find_print_damage
from rechroma.outputs import write_json
from rechroma.settings import PrintDamageSettings

NETWORK, TOP_HAT, FLAT = "network", "top-hat", "flat rule"  # methods
TOP_HAT_LEVELS, TOP_HAT_SIDE = 40, 15  # of 0…255; px
MIXED, PRINT, PHOTOGRAPH = "all kinds", "undamaged print", "undamaged photograph"
PARTS = ("recall", "precision", "iou")  # of damaged photographs
DIGITS = 4

FindMasks = Callable[[Luma], Mapping[str, Mask]]
"""What each method takes for damage on a photograph: `(H, W)` bool by its name."""

Counts = dict[str, dict[str, FoundDamage]]
"""By method and kind of damage: `counts[method][kind]`."""

Scores = dict[str, dict[str, dict[str, float]]]
"""By method and kind: recall, precision and iou, or false_alarms where nothing is damaged."""


class Drawing(NamedTuple):
    """A photograph as a print with one kind of damage.

    Attributes:
        kind: of `KINDS`, or `MIXED`, `PRINT` or `PHOTOGRAPH`.
        luma: `(H, W)` uint8.
        groups: `(H, W)` uint8, 0 undamaged, else the place in `GROUPS` from 1.
    """

    kind: str
    luma: Luma
    groups: NDArray[np.uint8]


def draw_kinds(
    luma: Luma,
    settings: PrintDamageSettings,
    seed: Sequence[int],
    kinds: Iterable[str] = (*KINDS, MIXED, PRINT, PHOTOGRAPH),
) -> Iterator[Drawing]:
    """A photograph as an aged print with each kind of damage, with all, with none; and as it is.

    Args:
        luma: undamaged, `(H, W)` uint8.
        settings: how damage is drawn and how prints age.
        seed: of the photograph; what is drawn of a kind depends on nothing else.
        kinds: of damage, one drawing each.

    >>> from rechroma.settings import load_settings
    >>> settings = load_settings(Path("params.yaml")).print_damage
    >>> gray = np.full((64, 64), 120, np.uint8)
    >>> [drawing.kind for drawing in draw_kinds(gray, settings, [1], ["scratch", PHOTOGRAPH])]
    ['scratch', 'undamaged photograph']
    """
    aged = age_print(luma, settings, np.random.default_rng(seed))
    places = {kind: place for place, kind in enumerate((MIXED, PRINT, *KINDS))}
    for kind in kinds:
        if kind == PHOTOGRAPH:
            yield Drawing(kind, luma, np.zeros(luma.shape, np.uint8))
            continue
        changes: dict[str, float] = {"undamaged": float(kind == PRINT)}
        if kind in KINDS:
            changes |= dict.fromkeys(KINDS, 0.0) | {kind: 1.0}
        generator = np.random.default_rng([*seed, places[kind]])
        drawn = draw_print_damage(aged, settings.model_copy(update=changes), generator)
        scanned = age_print(drawn.luma, settings, generator, stage="scan")
        yield Drawing(kind, scanned, drawn.groups)


def top_hat(luma: Luma) -> Mask:
    """What is small, and lighter or darker than its surroundings by more than 40 levels.

    >>> luma = np.full((40, 40), 90, np.uint8)
    >>> luma[:, 20] = 200
    >>> np.flatnonzero(top_hat(luma).any(axis=0)).tolist()
    [20]
    """
    square = np.ones((TOP_HAT_SIDE, TOP_HAT_SIDE), np.uint8)
    lighter = cv2.morphologyEx(luma, cv2.MORPH_TOPHAT, square)
    darker = cv2.morphologyEx(luma, cv2.MORPH_BLACKHAT, square)
    found: Mask = np.maximum(lighter, darker) > TOP_HAT_LEVELS
    return found


def find_by_methods(
    finder: FinderBackend, sensitivities: Sequence[float] = (SENSITIVITY,)
) -> FindMasks:
    """The network, a top-hat filter, and the rule for flat holes.

    Args:
        finder: the network; what it takes for a stain counts too.
        sensitivities: of the network, a method each where there are several.
    """
    thresholds = finder_thresholds(finder)
    several = len(sensitivities) > 1
    names = {f"{NETWORK} {each:g}" if several else NETWORK: each for each in sensitivities}

    def find(luma: Luma) -> dict[str, Mask]:
        found = LikelyDamage(*find_print_damage(luma, finder), thresholds=thresholds)
        masks: dict[str, Mask] = {
            name: found.weighed(each).groups > 0 for name, each in names.items()
        }
        return masks | {TOP_HAT: top_hat(luma), FLAT: find_damage(luma)}

    return find


def count_drawn(
    photos: Iterable[Luma], find: FindMasks, settings: PrintDamageSettings, seed: int
) -> Counts:
    """What each method finds of each kind of drawn damage.

    Args:
        photos: undamaged, each `(H, W)` uint8.
        find: the methods.
        settings: how damage is drawn.
        seed: of what is drawn; the place of a photograph is a part of it.
    """
    counts: Counts = {}
    for number, photo in enumerate(photos):
        for kind, luma, groups in draw_kinds(photo, settings, [seed, number]):
            for method, mask in find(luma).items():
                by_kind = counts.setdefault(method, {})
                by_kind.setdefault(kind, FoundDamage()).add(mask, groups)
    return counts


def count_by_hand(photos: Iterable[tuple[Luma, Mask]], find: FindMasks, name: str) -> Counts:
    """What each method finds of damage whose masks were drawn by hand.

    Args:
        photos: `(H, W)` uint8, and `(H, W)` bool, True where damaged.
        find: the methods.
        name: stands for the kind of damage.
    """
    counts: Counts = {}
    for luma, mask in photos:
        kind = name if mask.any() else PHOTOGRAPH
        for method, found in find(luma).items():
            by_kind = counts.setdefault(method, {})
            by_kind.setdefault(kind, FoundDamage()).add(found, mask.astype(np.uint8))
    return counts


def summarize(counts: Counts) -> Scores:
    """The scores of counts; those that no photograph says anything about are left out."""

    def parts(kind: str, count: FoundDamage) -> dict[str, float]:
        wanted = ("false_alarms",) if kind in (PRINT, PHOTOGRAPH) else PARTS
        scores = count.scores()
        return {name: round(scores[name], DIGITS) for name in wanted if name in scores}

    return {
        method: {kind: parts(kind, count) for kind, count in by_kind.items()}
        for method, by_kind in counts.items()
    }


def finder_table(scores: Scores) -> str:
    """The scores in Markdown: recall / precision / IoU, or the share of false alarms.

    >>> scratch = {"recall": 0.9, "precision": 0.8, "iou": 0.5}
    >>> print(finder_table({"network": {"scratch": scratch, PRINT: {"false_alarms": 0.0012}}}))
    | damage | network |
    | --- | --- |
    | scratch | 0.90 / 0.80 / 0.50 |
    | undamaged print | 0.12% |
    """
    import pandas as pd

    def cell(parts: Mapping[str, float]) -> str:
        if "false_alarms" in parts:
            return f"{parts['false_alarms']:.2%}"
        return " / ".join(f"{parts[name]:.2f}" if name in parts else "none" for name in PARTS)

    kinds = list(next(iter(scores.values())))
    columns = {
        method: [cell(by_kind[kind]) for kind in kinds] for method, by_kind in scores.items()
    }
    return markdown_table(pd.DataFrame({"damage": kinds, **columns}))


def flat_scores(scores: Scores) -> dict[str, float]:
    """The scores under one name each, as MLflow groups them: those of the network under `test/`.

    >>> flat_scores({"network": {"all kinds": {"iou": 0.5}}, "top-hat": {"dust": {"iou": 0.1}}})
    {'test/all kinds/iou': 0.5, 'baseline/top-hat/dust/iou': 0.1}
    """
    return {
        f"{'test' if method == NETWORK else f'baseline/{method}'}/{kind}/{part}": value
        for method, by_kind in scores.items()
        for kind, parts in by_kind.items()
        for part, value in parts.items()
    }


def write_finder_report(file: Path, scores: Scores, photos: int) -> None:
    """Write the scores as JSON, by method and kind, with the number of photographs."""
    report: dict[str, Any] = {"photos": photos}
    for method, by_kind in scores.items():
        named = {kind.replace(" ", "_"): parts for kind, parts in by_kind.items()}
        report[method.replace(" ", "_").replace("-", "_")] = named
    write_json(file, report)
