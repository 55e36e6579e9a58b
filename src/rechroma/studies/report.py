"""The report of a comparison: a page, a table and plots, also logged to MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from rechroma.evaluation.tables import markdown_table
from rechroma.imaging.grid import sheet
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.outputs import whole_file
from rechroma.studies.plots import LearningCurve, plot_learning_curves
from rechroma.studies.results import MEASURES, FinishedTraining, arm_table, training_rows
from rechroma.studies.spec import Arm
from rechroma.tracking.run import Run, metric_name

APPEARANCE = (
    "feature_distance, colorfulness and rainbow are those of the {}, or of some of them, restored "
    "for the eye (`restore.aim=eye`)."
)


class StudyReport(NamedTuple):
    """The content of a report.

    Attributes:
        name: of the study, or of the files if it is none.
        about: what is compared, in one line.
        trained: the finished trainings, at least one.
        missing: arms without a finished training, and why: `failed` or `is not finished`.
        photo_scores: the table of `photo_score_table`, if the models were scored on photographs.
        heading: of that table: which photographs.
        pictures: one photograph by name: damaged, restored by each arm, target.
    """

    name: str
    about: str
    trained: Sequence[FinishedTraining]
    missing: Sequence[tuple[Arm, str]] = ()
    photo_scores: pd.DataFrame | None = None
    heading: str = ""
    pictures: Mapping[str, Photo] = {}


def write_report(report: StudyReport, folder: Path) -> list[Path]:
    """Write NAME.md, NAME.csv, NAME.png and, with pictures, NAME-photo.png into `folder`.

    Returns:
        The paths of the written files.
    """
    rows = training_rows(report.trained)
    page, table, plot, photo = (
        folder / f"{report.name}{ending}" for ending in (".md", ".csv", ".png", "-photo.png")
    )
    with whole_file(table) as part:
        rows.round(6).to_csv(part, index=False)
    with whole_file(page) as part:
        part.write_text(report_page(report, rows), encoding="utf-8")
    plot_learning_curves([_curve(training) for training in report.trained], report.name, plot)
    if not report.pictures:
        return [page, table, plot]
    write_png(photo, sheet(report.pictures))
    return [page, table, plot, photo]


def report_page(report: StudyReport, rows: pd.DataFrame) -> str:
    """The page in Markdown: what was compared, the tables, remarks, and the pictures.

    Args:
        report: the content.
        rows: of `training_rows`.
    """
    data = report.trained[0].run.settings
    seeds = sorted({training.seed for training in report.trained})
    samples = sorted(set(rows["samples"]))
    parts = [
        f"# {report.name}",
        f"{report.about[0].upper()}{report.about[1:]}.",
        f"Data: {data['dataset.name']}, squares of {data['data.size']} px. "
        f"{' or '.join(map(str, samples))} samples per arm, seed{'s' * (len(seeds) > 1)} "
        f"{', '.join(map(str, seeds))}. Scores are those of the best epoch on the validation "
        "photographs; after a mean over seeds, its lowest and highest seed.",
        markdown_table(arm_table(rows)),
    ]
    if rows[list(MEASURES)].notna().any(axis=None):
        parts.insert(-1, APPEARANCE.format("test photographs"))
    if report.photo_scores is not None:
        parts += [
            f"{report.heading}: means over seeds, 95 % bootstrap intervals over photographs. "
            "`difference to the best` is the mean of the differences photograph by photograph; "
            "if its interval contains 0, these photographs show no difference.",
            markdown_table(report.photo_scores),
        ]
        if MEASURES[0] in report.photo_scores:
            parts.insert(-1, APPEARANCE.format("photographs"))
    parts += [f"- {remark}" for remark in _remarks(report)]
    parts.append(f"![validation score and loss by epoch]({report.name}.png)")
    if report.pictures:
        parts.append(f"![one photograph restored by every arm]({report.name}-photo.png)")
    return "\n\n".join(parts) + "\n"


def _remarks(report: StudyReport) -> list[str]:
    """What makes the trainings less comparable."""
    remarks = []
    if report.missing:
        arms = ", ".join(f"{arm.name} (seed {arm.seed}) {why}" for arm, why in report.missing)
        remarks.append(f"Not in the tables: {arms}.")
    revisions = sorted({training.run.revision[:7] for training in report.trained})
    if len(revisions) > 1:
        remarks.append(f"The trainings ran at several revisions: {', '.join(revisions)}.")
    # The data depends on the seed.
    data = {training.run.data for training in report.trained}
    if len(data) > len({training.seed for training in report.trained}):
        remarks.append("The trainings did not all have the same prepared data.")
    return remarks


def _curve(training: FinishedTraining) -> LearningCurve:
    return LearningCurve(
        training.arm,
        training.epochs["train/loss"].tolist(),
        training.epochs["validation/score"].tolist(),
        [(interval.began, interval.recovered) for interval in training.divergence()],
    )


def log_report(report: StudyReport, files: Sequence[Path], run: Run) -> None:
    """Log the files, mean scores and appearance to `run`, and make it the trainings' parent run.

    Trainings that have a parent run already keep it.
    """
    for file in files:
        run.file(file)
    means = training_rows(report.trained).groupby("arm")[["score", *MEASURES]].mean()
    run.metrics(
        {
            f"{measure}/{metric_name(str(arm))}": float(mean)
            for measure, by_arm in means.items()
            for arm, mean in by_arm.dropna().items()
        }
    )
    for training in report.trained:
        run.adopt(training.run.run_id)
