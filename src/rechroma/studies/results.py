"""Results of trainings side by side: the score of each arm, its uncertainty and its cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from mlflow import MlflowClient

from rechroma.evaluation.appearance import Appearance
from rechroma.metrics import Scores
from rechroma.studies.spec import Arm
from rechroma.tracking.queries import TrainingRun, epoch_table, newest_run, training_seconds
from rechroma.training.divergence import DivergentInterval, find_divergence

PARTS = Scores._fields  # the score, and its parts
MEASURES = Appearance._fields
# Settings that differ between runs but are not what a comparison is about.
IGNORED_SETTINGS = ("seed", "device", "dataset.name", "dataset.digest")


@dataclass(frozen=True)
class FinishedTraining:
    """One finished training of a comparison.

    Attributes:
        arm: its name in the comparison.
        seed: of the training.
        run: its MLflow run.
        epochs: a row for each epoch, indexed from 1, a column for each metric.
    """

    arm: str
    seed: int
    run: TrainingRun
    epochs: pd.DataFrame

    @property
    def name(self) -> str:
        """Arm and seed: `adam, seed 1`."""
        return f"{self.arm}, seed {self.seed}"

    def at_best(self) -> Scores:
        """The validation scores of the best epoch, whose weights were kept."""
        best = int(self.run.metrics["best/epoch"])
        return Scores(**{part: float(self.epochs[f"validation/{part}"][best]) for part in PARTS})

    def divergence(self) -> list[DivergentInterval]:
        """The divergent intervals, in order."""
        records = self.epochs.to_dict(orient="records")
        return find_divergence(
            [{str(name): value for name, value in record.items()} for record in records]
        )


def study_trainings(
    client: MlflowClient, arms: Sequence[Arm], runs: Sequence[TrainingRun], earliest_start: int
) -> tuple[list[FinishedTraining], list[tuple[Arm, str]]]:
    """The finished trainings of a study, and its arms without one.

    Args:
        client: of the store that holds the runs.
        arms: of the study.
        runs: among which the trainings are; others are ignored.
        earliest_start: ms since 1970; runs that started before it do not count.

    Returns:
        The trainings; and each other arm with the reason: `failed`, as by divergence, or
        `is not finished`.
    """
    trained, missing = [], []
    for arm in arms:
        run = newest_run(runs, arm.identity, earliest_start)
        if run is not None and run.finished:
            epochs = epoch_table(client, run.run_id)
            trained.append(FinishedTraining(arm.name, arm.seed, run, epochs))
        else:
            failed = run is not None and run.status == "FAILED"
            missing.append((arm, "failed" if failed else "is not finished"))
    return trained, missing


def filtered_trainings(client: MlflowClient, runs: Iterable[TrainingRun]) -> list[FinishedTraining]:
    """The finished ones of `runs`; those with the same settings but the seed are one arm.

    The name of an arm lists the settings that differ between arms.
    """
    finished = [run for run in runs if run.finished]
    names = sorted({name for run in finished for name in run.settings} - set(IGNORED_SETTINGS))
    differing = [name for name in names if len({run.settings.get(name) for run in finished}) > 1]
    return [
        FinishedTraining(
            " ".join(f"{name}={run.settings.get(name)}" for name in differing) or "all",
            int(run.settings["seed"]),
            run,
            epoch_table(client, run.run_id),
        )
        for run in finished
    ]


def training_rows(trained: Iterable[FinishedTraining]) -> pd.DataFrame:
    """A row for each training: best validation scores, speed, time (s), divergent intervals.

    Its appearance is that of the test photographs restored for the eye; NaN if not measured.
    """
    return pd.DataFrame(
        [
            {
                "arm": training.arm,
                "seed": training.seed,
                **training.at_best()._asdict(),
                "best_epoch": int(training.run.metrics["best/epoch"]),
                "epochs": len(training.epochs),
                "samples": int(training.epochs["images"].sum()),
                "images_per_second": float(training.epochs["images_per_second"].median()),
                "seconds": training_seconds(training.epochs),
                "test_score": training.run.metrics.get("test/score", float("nan")),
                **{
                    measure: training.run.metrics.get(f"aim/eye/{measure}", float("nan"))
                    for measure in MEASURES
                },
                "divergence": "; ".join(map(str, training.divergence())),
                "run": training.run.name,
                "run_id": training.run.run_id,
                "revision": training.run.revision,
            }
            for training in trained
        ]
    )


def arm_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each arm, the best validation score first: means over seeds, as text.

    Args:
        rows: of `training_rows`. Measures of appearance have columns where any training has them.
    """
    measured = [measure for measure in MEASURES if rows[measure].notna().any()]
    table = pd.DataFrame(
        [
            {
                "arm": arm,
                "validation score": _format_range(group["score"]),
                **{part: f"{group[part].mean():.3f}" for part in PARTS[1:]},
                **{measure: _format_measure(group[measure]) for measure in measured},
                "images/s": f"{group['images_per_second'].mean():.0f}",
                "min": f"{group['seconds'].mean() / 60:.1f}",
                "divergence": _divergence_by_seed(group),
                "order": group["score"].mean(),
            }
            for arm, group in rows.groupby("arm", sort=False)
        ]
    )
    return table.sort_values("order", ascending=False).drop(columns="order")


def _format_range(scores: "pd.Series[float]") -> str:
    """The mean over seeds, and the lowest and the highest: `0.4100 (0.4000…0.4200)`."""
    if len(scores) == 1:
        return f"{scores.iloc[0]:.4f}"
    return f"{scores.mean():.4f} ({scores.min():.4f}…{scores.max():.4f})"


def _format_measure(values: "pd.Series[float]") -> str:
    """The mean over the seeds that were measured: `0.271`, or empty."""
    return f"{values.mean():.3f}" if values.notna().any() else ""


def _divergence_by_seed(group: pd.DataFrame) -> str:
    by_seed = [
        f"seed {seed}, {divergence}"
        for seed, divergence in zip(group["seed"], group["divergence"], strict=True)
        if divergence
    ]
    return "; ".join(by_seed) or "no"
