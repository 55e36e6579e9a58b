"""What a comparison found, as files that people read, and in MLflow under a run of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from rechroma.imaging.grid import sheet
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.outputs import whole_file
from rechroma.studies.plots import LearningCurve, plot_learning_curves
from rechroma.studies.results import FinishedTraining, arm_table, training_rows
from rechroma.studies.spec import Arm
from rechroma.tracking.runs import Run


class StudyReport(NamedTuple):
    """All that was found.

    Attributes:
        name: of the study, or of the files when it is none.
        about: what is compared, in a line.
        trained: the finished trainings.
        missing: arms that have none, and why: `failed`, or `is not finished`.
        judged: a row an arm, its scores on photographs of the user's; None without such.
        heading: which photographs these were.
        pictures: one photograph damaged, restored by each arm, and as it was, by name.
    """

    name: str
    about: str
    trained: Sequence[FinishedTraining]
    missing: Sequence[tuple[Arm, str]] = ()
    judged: pd.DataFrame | None = None
    heading: str = ""
    pictures: Mapping[str, Photo] = {}


def write_report(found: StudyReport, folder: Path) -> list[Path]:
    """Write NAME.md, NAME.csv, NAME.png and, with pictures, NAME-photo.png: the files written."""
    rows = training_rows(found.trained)
    page, table, plot, photo = (
        folder / f"{found.name}{end}" for end in (".md", ".csv", ".png", "-photo.png")
    )
    with whole_file(table) as part:
        rows.round(6).to_csv(part, index=False)
    with whole_file(page) as part:
        part.write_text(report_page(found, rows), encoding="utf-8")
    plot_learning_curves([_curve(each) for each in found.trained], found.name, plot)
    if not found.pictures:
        return [page, table, plot]
    write_png(photo, sheet(found.pictures))
    return [page, table, plot, photo]


def report_page(found: StudyReport, rows: pd.DataFrame) -> str:
    """The page: what was compared, the tables, what to mind, and the pictures."""
    first = found.trained[0]
    data = first.run.settings
    seeds = sorted({each.seed for each in found.trained})
    samples = sorted(set(rows["samples"]))
    parts = [
        f"# {found.name}",
        f"{found.about[0].upper()}{found.about[1:]}.",
        f"Data: {data['dataset.name']}, squares of {data['data.size']} px. "
        f"{' or '.join(map(str, samples))} samples an arm, seed{'s' * (len(seeds) > 1)} "
        f"{', '.join(map(str, seeds))}. Scores are those of the best epoch on the validation "
        "photographs; behind a mean over seeds stand its lowest and highest seed.",
        _markdown(arm_table(rows)),
    ]
    if found.judged is not None:
        parts += [
            f"{found.heading}: means over seeds, 95 % bootstrap intervals over photographs. "
            "`to the best` is the mean difference photograph by photograph; where its interval "
            "holds 0, these photographs show no difference.",
            _markdown(found.judged),
        ]
    parts += [f"- {remark}" for remark in _remarks(found)]
    parts.append(f"![validation score and loss by epoch]({found.name}.png)")
    if found.pictures:
        parts.append(f"![one photograph restored by every arm]({found.name}-photo.png)")
    return "\n\n".join(parts) + "\n"


def _markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)


def _remarks(found: StudyReport) -> list[str]:
    remarks = []
    if found.missing:
        told = ", ".join(f"{arm.name} (seed {arm.seed}) {why}" for arm, why in found.missing)
        remarks.append(f"Not in the tables: {told}.")
    revisions = sorted({each.run.revision[:7] for each in found.trained})
    if len(revisions) > 1:
        remarks.append(f"The trainings ran at several revisions: {', '.join(revisions)}.")
    if len({each.run.data for each in found.trained}) > len({e.seed for e in found.trained}):
        remarks.append("The trainings did not all have the same prepared data.")
    return remarks


def _curve(each: FinishedTraining) -> LearningCurve:
    return LearningCurve(
        each.arm,
        each.epochs["train/loss"].tolist(),
        each.epochs["validation/score"].tolist(),
        [(spell.began, spell.recovered) for spell in each.spells()],
    )


def log_report(found: StudyReport, files: Sequence[Path], run: Run) -> None:
    """Put the comparison into `run`, and the trainings that have no parent yet under it."""
    rows = training_rows(found.trained)
    for file in files:
        run.file(file)
    run.metrics({f"score/{_plain(arm)}": mean for arm, mean in _mean_scores(rows).items()})
    for each in found.trained:
        run.adopt(each.run.run_id)


def _mean_scores(rows: pd.DataFrame) -> dict[str, float]:
    means = rows.groupby("arm")["score"].mean()
    return {str(arm): float(score) for arm, score in means.items()}


def _plain(name: str) -> str:
    """A name that MLflow takes for a metric."""
    return "".join(letter if letter.isalnum() or letter in "_-. :/" else ":" for letter in name)
