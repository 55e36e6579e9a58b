"""`rechroma ship --finder`: a trained network that finds damage becomes the bundled one."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.cli.paths import PARAMS
from rechroma.errors import UserError
from rechroma.progress import track

if TYPE_CHECKING:
    from rechroma.imaging.types import Luma


def ship_finder(
    path: Path, thresholds_on: Path | None, photo_sets: Iterable[tuple[Path, int]]
) -> int:
    """Bundle the network at `path`; the exit code.

    Args:
        path: the folder of its training, or its file of weights.
        thresholds_on: undamaged photographs that choose its thresholds; None: those of its card.
        photo_sets: folders of photographs and sizes of squares to score it on.

    Raises:
        UserError: there are no such weights or photographs, or the network cannot be bundled; the
            earlier one stays.
    """
    from rechroma.deployment.bundle import LICENSE
    from rechroma.deployment.bundled_finder import FINDER_CARD, bundle_finder
    from rechroma.deployment.trained_finder import TorchFinder, finder_weights, stated_thresholds
    from rechroma.evaluation.finder_thresholds import choose_thresholds
    from rechroma.models.damage_finder import load_finder
    from rechroma.models.weights import BUNDLED_FOLDER
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    weights = finder_weights(path)
    network = load_finder(weights).half().float()  # as it will be stored
    thresholds = stated_thresholds(weights)
    if thresholds_on is not None:
        photos = read_lumas(thresholds_on, "choosing thresholds")
        finder = TorchFinder(network)
        thresholds = choose_thresholds(finder, photos, settings.print_damage, settings.seed)
    scores = {
        f"{folder.name}, {size} px": _score(TorchFinder(network, thresholds), folder, size)
        for folder, size in photo_sets
    }
    card: dict[str, Any] = {"license": LICENSE, "samples": network.settings.samples}
    card |= {"thresholds": thresholds} if thresholds else {}
    card |= {"scores": scores} if scores else {}
    file = bundle_finder(network, card, BUNDLED_FOLDER)
    print(
        f"{file}: {file.stat().st_size / 2**20:.1f} MiB, beside it {FINDER_CARD}", file=sys.stderr
    )
    return 0


def read_lumas(folder: Path, job: str, size: int | None = None) -> "Iterator[Luma]":
    """The photographs in a folder in gray, with progress; those that cannot be used are named.

    Args:
        folder: of undamaged photographs.
        job: what they are read for, beside the progress.
        size: side of the squares that are cut from their middles, px; None: whole photographs.

    Raises:
        UserError: there are none.
    """
    from rechroma.imaging.decode import PhotoError
    from rechroma.imaging.io import list_photos, read_gray
    from rechroma.imaging.resize import center_square

    files = list_photos(folder) if folder.is_dir() else []
    if not files:
        raise UserError(f"{folder} holds no photographs, expected a folder of undamaged ones")
    for file in track(files, job, len(files)):
        try:
            luma = read_gray(file)
            yield luma if size is None else center_square(luma, size)
        except (PhotoError, ValueError) as error:
            print(f"{file}: skipped: {error}", file=sys.stderr)


def _score(finder: "Any", folder: Path, size: int) -> dict[str, dict[str, float]]:
    """Print the scores beside those of simple methods; the network's own, by kind of damage."""
    from rechroma.evaluation.finder_scores import (
        NETWORK,
        count_drawn,
        find_by_methods,
        finder_table,
        summarize,
    )
    from rechroma.settings import load_settings

    settings = load_settings(PARAMS)
    photos = read_lumas(folder, f"evaluating on {folder.name}", size)
    counts = count_drawn(photos, find_by_methods(finder), settings.print_damage, settings.seed)
    if not counts:
        raise UserError(f"{folder} holds no photographs of {size} px each way, choose another size")
    scores = summarize(counts)
    print(f"{folder.name}, {size} px: recall / precision / IoU, and false alarms\n")
    print(finder_table(scores) + "\n", flush=True)
    return scores[NETWORK]
