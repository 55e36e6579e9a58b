"""`rechroma compare --blind` and `--blind-result`: a page to vote on, and the votes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.paths import PARAMS
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.blind.page import Deck
    from rechroma.apps.blind.pairs import Key
    from rechroma.apps.blind.photographs import Draw, ListedPhoto
    from rechroma.apps.blind.preference import Preference
    from rechroma.apps.blind.sides import NamedSource
    from rechroma.apps.blind.votes import Votes
    from rechroma.settings import Settings

PAGE = Path("reports/blind.html")
PAGE_SUFFIXES = (".html", ".htm")
SHOWN, FEWEST_PX, MOST_PX = 900, 64, 2000  # px, longer side of a picture on the page


def add_options(compare: argparse.ArgumentParser) -> None:
    """Add the options of blind comparisons."""
    group = compare.add_argument_group("blind comparison")
    group.add_argument(
        "--blind",
        nargs="+",
        metavar="[NAME=]SOURCE",
        help="two or more to vote on: bundled, gray, a model's folder or file, models:/…, runs:/…, "
        "the name of a training in MLflow, or a folder of ready pictures named as the photographs",
    )
    group.add_argument(
        "--holes",
        choices=("auto", "color", "all", "none"),
        default="auto",
        help="photographs that holes are drawn on, of those without a mask beside them; default: "
        "auto, those in color, and none where there are ready pictures",
    )
    group.add_argument(
        "--seed", type=int, metavar="N", help="of order, sides and holes; default: seed"
    )
    group.add_argument(
        "--sheets", action="store_true", help="also write the pairs as numbered PNGs"
    )
    group.add_argument(
        "--blind-result",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="votes: JSON of the page, or a CSV with lines as 1,left",
    )
    group.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help=f"of the page that was voted on; default: {key_file_of(PAGE)}",
    )


def key_file_of(page: Path) -> Path:
    """The key of the page in a file, beside it."""
    return page.with_name(f"{page.stem}.key.json")


def make_blind_page(chosen: argparse.Namespace) -> int:
    """Write the page to vote on and its key; the exit code is 1 if a photograph was skipped."""
    from rechroma.apps.blind.page import render_page
    from rechroma.apps.blind.pairs import write_key
    from rechroma.apps.blind.sheets import write_sheets
    from rechroma.apps.blind.sides import parse_sources
    from rechroma.outputs import whole_file
    from rechroma.settings import load_settings

    page, size = chosen.out or PAGE, chosen.size or SHOWN
    sources = parse_sources(chosen.blind)
    _check_options(chosen, page, size)
    settings = load_settings(PARAMS)
    if chosen.seed is not None:
        settings = settings.model_copy(update={"seed": chosen.seed})
    deck, key, skipped = _restore_pairs(chosen, sources, size, settings)
    # The key first: a page without its key is of no use.
    write_key(key, key_file_of(page))
    with whole_file(page) as part:
        part.write_text(render_page(deck), encoding="utf-8")
    written = [page, key_file_of(page)]
    if chosen.sheets:
        sheets = page.with_name(f"{page.stem}-sheets")
        write_sheets(deck, sheets)
        written.append(sheets)
    megabytes = page.stat().st_size / 1e6
    print(f"{len(key.pairs)} pairs of {len(sources)} models, {megabytes:.1f} MB", file=sys.stderr)
    print("written: " + ", ".join(map(str, written)), file=sys.stderr)
    print(f"give {page} to people, and keep {key_file_of(page)} from them", file=sys.stderr)
    return 1 if skipped else 0


def _check_options(chosen: argparse.Namespace, page: Path, size: int) -> None:
    """Raise a UserError for what can be told before any work."""
    if chosen.photos is None:
        raise UserError("--blind: needs photographs, expected --photos DIR")
    if page.suffix.lower() not in PAGE_SUFFIXES or page.is_dir():
        raise UserError(f"--out is {page}, expected a file for the page, as {PAGE}")
    if not FEWEST_PX <= size <= MOST_PX:
        raise UserError(f"--size is {size}, expected {FEWEST_PX} to {MOST_PX} px")
    if chosen.limit is not None and chosen.limit < 1:
        raise UserError(f"--limit is {chosen.limit}, expected 1 or more")
    if chosen.seed is not None and not 0 <= chosen.seed < 2**32:
        raise UserError(f"--seed is {chosen.seed}, expected 0 to {2**32 - 1}")
    if key_file_of(page).exists():
        raise UserError(
            f"{key_file_of(page)} exists, and the votes on its page need it; choose another --out, "
            "or remove it"
        )


def _restore_pairs(
    chosen: argparse.Namespace, sources: "list[NamedSource]", size: int, settings: "Settings"
) -> "tuple[Deck, Key, int]":
    """The pairs with their pictures, their key, and the number of photographs that were skipped."""
    from rechroma.apps.blind.page import Deck, pictures_of
    from rechroma.apps.blind.pairs import Key, draw_pairs, key_pairs
    from rechroma.apps.blind.photographs import choose_photos, list_folder, read_photo
    from rechroma.apps.blind.sides import open_side
    from rechroma.progress import track

    # What is compared, on which photographs.
    folders = [source.folder for source in sources if source.folder]
    listed = list_folder(chosen.photos, folders)
    listed = choose_photos(listed, chosen.limit, settings.seed)
    relative = {photo.file: photo.name for photo in listed}
    sides = [open_side(source, relative, settings.tracking.experiment) for source in sources]
    holes: Draw = chosen.holes
    if chosen.holes == "auto":
        holes = "none" if folders else "color"
    # Restore each photograph by all of them, one after the other.
    deck = Deck()
    usable: list[ListedPhoto] = []
    for photo in track(listed, "restoring", len(listed)):
        try:
            read = read_photo(photo, holes, settings)
        except UserError as error:
            print(f"rechroma: {error}; it is skipped", file=sys.stderr)
            continue
        deck.add(len(usable), pictures_of(read, sides, size))
        usable.append(photo)
    if not usable:
        raise UserError(f"--photos: none of {len(listed)} photographs can be used")
    # Draw the pairs.
    names = [source.name for source in sources]
    deck.pairs = draw_pairs([photo.id for photo in usable], names, settings.seed)
    key = Key(
        page=deck.page_id(),
        photos=str(chosen.photos),
        seed=settings.seed,
        size=size,
        holes=holes,
        models={source.name: source.source for source in sources},
        pairs=key_pairs(deck.pairs, [photo.name.as_posix() for photo in usable], names),
    )
    return deck, key, len(listed) - len(usable)


def count_blind_votes(chosen: argparse.Namespace) -> int:
    """Print the preferences, write them beside the key, and log them to MLflow."""
    from rechroma.apps.blind.pairs import KEY_SUFFIX, read_key
    from rechroma.apps.blind.preference import (
        preference_table,
        preferences,
        remarks,
        result_json,
    )
    from rechroma.apps.blind.votes import read_all_votes
    from rechroma.outputs import whole_file, write_json
    from rechroma.settings import load_settings

    key_file = chosen.key or key_file_of(PAGE)
    key = read_key(key_file)
    votes = read_all_votes(chosen.blind_result, key)
    settings = load_settings(PARAMS)
    confidence = settings.evaluate.confidence
    rows = preferences(key, votes, confidence)
    text = preference_table(rows) + "\n" + remarks(key, votes, confidence)
    result = chosen.out or key_file.with_name(
        key_file.name.removesuffix(KEY_SUFFIX) + ".result.json"
    )
    if result.suffix != ".json" or result in (key_file, *chosen.blind_result):
        raise UserError(f"--out is {result}, expected a new file with the suffix .json")
    table = result.with_suffix(".md")
    write_json(result, result_json(key, votes, rows, confidence))
    with whole_file(table) as part:
        part.write_text(text, encoding="utf-8")
    print(text, end="")
    _log(key, votes, rows, [result, table, key_file], settings)
    print(f"written: {result}, {table}", file=sys.stderr)
    return 0


def _log(
    key: "Key",
    votes: "Sequence[Votes]",
    rows: "Sequence[Preference]",
    files: "Sequence[Path]",
    settings: "Settings",
) -> None:
    """Log the result to MLflow: a run of the page, which another count of it replaces."""
    from rechroma.tracking.run import metric_name
    from rechroma.tracking.runs import comparison_run
    from rechroma.tracking.store import connect

    root = Path.cwd()
    client, experiment = connect(root), settings.tracking.experiment
    with comparison_run(client, experiment, root, key.page, kind="blind comparison") as run:
        shares = {
            f"{part}/{metric_name(f'{row.first} over {row.second}')}": share.mean
            for row in rows
            if row.voter is None
            for part, share in (("ties_half", row.ties_half), ("ties_left_out", row.ties_left_out))
            if share is not None
        }
        run.metrics(
            {**shares, "voters": len(votes), "votes": sum(len(each.choices) for each in votes)}
        )
        run.tag({"blind.models": " | ".join(key.models), "blind.photos": key.photos})
        for file in files:
            run.file(file)
        for each in votes:
            run.file(each.file, "votes")
