"""Trainings set side by side: which arm of a study is how good, how sure that is, what it costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from numpy.typing import NDArray

from rechroma.evaluation.intervals import Interval, bootstrap_interval
from rechroma.metrics import Scores
from rechroma.settings import Evaluate
from rechroma.studies.spec import Arm
from rechroma.tracking.queries import TrainingRun, epoch_table, newest_run, training_seconds
from rechroma.training.divergence import DivergentInterval, find_divergence

PARTS = ("score", "ssim", "masked_ssim", "hue")
# Settings that tell runs apart but are not what a comparison is about.
IGNORED_SETTINGS = ("seed", "device", "dataset.name", "dataset.digest")


@dataclass(frozen=True)
class FinishedTraining:
    """One finished training of a comparison.

    Attributes:
        arm: its name in the comparison.
        seed: of the training.
        run: MLflow's.
        epochs: a row an epoch, a column a metric.
    """

    arm: str
    seed: int
    run: TrainingRun
    epochs: pd.DataFrame

    @property
    def name(self) -> str:
        """`adam, seed 1`."""
        return f"{self.arm}, seed {self.seed}"

    def at_best(self) -> Scores:
        """The validation scores of the epoch that was kept."""
        best = int(self.run.metrics["best/epoch"])
        return Scores(
            **{part: float(self.epochs[f"validation/{part}"][best]) for part in Scores._fields}
        )

    def spells(self) -> list[DivergentInterval]:
        """Where it left its way."""
        records = self.epochs.to_dict(orient="records")
        return find_divergence([{str(name): each[name] for name in each} for each in records])


def study_trainings(
    client: MlflowClient, arms: Sequence[Arm], runs: Sequence[TrainingRun], since: int
) -> tuple[list[FinishedTraining], list[tuple[Arm, str]]]:
    """The finished trainings of a study's `arms` among MLflow's `runs`; the arms without one.

    These come with the reason: `failed`, as one that diverged, or `is not finished`.
    """
    trained, missing = [], []
    for arm in arms:
        run = newest_run(runs, arm.identity, since)
        if run is None or not run.finished:
            failed = run is not None and run.status == "FAILED"
            missing.append((arm, "failed" if failed else "is not finished"))
        else:
            told = epoch_table(client, run.run_id)
            trained.append(FinishedTraining(arm.name, arm.seed, run, told))
    return trained, missing


def filtered_trainings(client: MlflowClient, runs: Iterable[TrainingRun]) -> list[FinishedTraining]:
    """The finished ones of `runs`, an arm being what they have in common but the seed.

    An arm is named by the settings in which it differs from others.
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
    """A row a training: arm, seed, best validation scores, speed, time, spells."""
    return pd.DataFrame(
        [
            {
                "arm": each.arm,
                "seed": each.seed,
                **each.at_best()._asdict(),
                "best_epoch": int(each.run.metrics["best/epoch"]),
                "epochs": len(each.epochs),
                "samples": int(each.epochs["images"].sum()),
                "images_per_second": float(each.epochs["images_per_second"].median()),
                "seconds": training_seconds(each.epochs),
                "test_score": each.run.metrics.get("test/score", float("nan")),
                "left_its_way": "; ".join(map(str, each.spells())),
                "run": each.run.name,
                "run_id": each.run.run_id,
                "revision": each.run.revision,
            }
            for each in trained
        ]
    )


def arm_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row an arm, the best validation score first: means over seeds, and the score's spread."""
    table = pd.DataFrame(
        [
            {
                "arm": arm,
                "validation score": _mean_and_range(group["score"]),
                **{part: f"{group[part].mean():.3f}" for part in PARTS[1:]},
                "images/s": f"{group['images_per_second'].mean():.0f}",
                "min": f"{group['seconds'].mean() / 60:.1f}",
                "left its way": _divergence_text(group),
                "order": group["score"].mean(),
            }
            for arm, group in rows.groupby("arm", sort=False)
        ]
    )
    return table.sort_values("order", ascending=False).drop(columns="order")


def _mean_and_range(scores: "pd.Series[float]") -> str:
    if len(scores) == 1:
        return f"{scores.iloc[0]:.4f}"
    return f"{scores.mean():.4f} ({scores.min():.4f}…{scores.max():.4f})"


def _divergence_text(group: pd.DataFrame) -> str:
    told = [
        f"seed {seed}, {words}"
        for seed, words in zip(group["seed"], group["left_its_way"], strict=True)
        if words
    ]
    return "; ".join(told) or "no"


def photo_score_table(
    trained: Sequence[FinishedTraining],
    scores: Mapping[str, Sequence[Scores]],
    settings: Evaluate,
    seed: int,
) -> pd.DataFrame:
    """A row an arm, by its score on the same photographs, the best first.

    Beside each mean stands its bootstrap interval over photographs; `to the best` is the mean
    difference to the best arm, photograph by photograph, and its interval: one that holds 0 is no
    difference that these photographs show.

    Args:
        trained: the trainings.
        scores: of each photograph, by `Trained.name`; other names are baselines.
        settings: of the bootstrap.
        seed: of the bootstrap.
    """
    means = _means_over_seeds(trained, scores)
    arms = sorted({each.arm for each in trained}, key=lambda arm: -means[arm]["score"].mean())
    others = [name for name in means if name not in arms]
    best = means[arms[0]]["score"]
    rows = []
    for name in (*arms, *others):
        found = {
            part: bootstrap_interval(means[name][part].tolist(), settings, seed)
            for part in ("score", *PARTS[1:])
        }
        difference = bootstrap_interval((means[name]["score"] - best).tolist(), settings, seed)
        rows.append(
            {
                "arm": name,
                "score": _cell(found["score"]),
                "to the best": "" if name == arms[0] else _cell(difference),
                **{part: f"{found[part].mean:.3f}" for part in PARTS[1:]},
            }
        )
    return pd.DataFrame(rows)


def _means_over_seeds(
    trained: Sequence[FinishedTraining], scores: Mapping[str, Sequence[Scores]]
) -> dict[str, pd.DataFrame]:
    """Of each arm and baseline: a row a photograph, a column a part, the mean over seeds."""
    arms = {each.name: each.arm for each in trained}
    grouped: dict[str, list[NDArray[np.float64]]] = {}
    for name, each in scores.items():
        values = [[getattr(score, part) for part in PARTS] for score in each]
        grouped.setdefault(arms.get(name, name), []).append(np.array(values))
    return {
        name: pd.DataFrame(np.mean(seeds, axis=0), columns=list(PARTS))
        for name, seeds in grouped.items()
    }


def _cell(found: Interval) -> str:
    return f"{found.mean:.3f} ({found.low:.3f}…{found.high:.3f})"
