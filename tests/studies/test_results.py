import pandas as pd
import pytest

from rechroma.metrics import Scores
from rechroma.studies import results
from rechroma.studies.report import StudyReport, write_report
from rechroma.studies.results import (
    FinishedTraining,
    arm_table,
    filtered_trainings,
    photo_score_table,
    training_rows,
)
from rechroma.studies.spec import Arm
from rechroma.tracking.queries import TrainingRun


def trained(arm: str, seed: int, score: float, losses=(2.0, 1.0), **settings) -> FinishedTraining:
    told = pd.DataFrame(
        {
            "train/loss": losses,
            "train/loss_peak": losses,
            "skipped_steps": 0.0,
            "images": 100.0,
            "images_per_second": [50.0, 100.0],
            "validation/score": [0.0, score],
            **{f"validation/{part}": [0.0, 0.5] for part in ("ssim", "masked_ssim", "hue")},
        },
        index=[1, 2],
    )
    shown = {"dataset.name": "tiny", "data.size": "64", "seed": str(seed), **settings}
    metrics = {"best/epoch": 2.0, "best/score": score, "test/score": 0.3}
    parts = (f"{arm}-{seed}", "1", f"{arm} {seed}", "i", "FINISHED", 1, "abcdef012", "d")
    return FinishedTraining(arm, seed, TrainingRun(*parts, shown, metrics, ("m",)), told)


TRIALS = [
    trained("worse", 1, 0.3),
    trained("better", 1, 0.4),
    trained("worse", 2, 0.34),
    trained("better", 2, 0.42, losses=(1.0, 3.0)),
]


def test_a_row_a_training_tells_score_cost_and_divergence():
    rows = training_rows(TRIALS)
    assert rows["score"].tolist() == [0.3, 0.4, 0.34, 0.42]
    assert set(rows["seconds"]) == {3.0}
    assert set(rows["samples"]) == {200}
    assert rows["left_its_way"].tolist() == ["", "", "", "epoch 2: loss 3 after 1; never recovered"]


def test_arms_are_ranked_by_their_mean_with_the_spread_of_seeds():
    table = arm_table(training_rows(TRIALS))
    assert table["arm"].tolist() == ["better", "worse"]
    assert table["validation score"].tolist()[0] == "0.4100 (0.4000…0.4200)"
    assert table["left its way"].tolist() == [
        "seed 2, epoch 2: loss 3 after 1; never recovered",
        "no",
    ]


def test_one_seed_has_no_spread():
    assert arm_table(training_rows(TRIALS[:1]))["validation score"].tolist() == ["0.3000"]


def test_differences_are_taken_photograph_by_photograph(make_settings):
    easy_hard = (0.9, 0.1)
    scores = {
        each.name: [Scores(base + each.run.metrics["best/score"], 0, 0, 0) for base in easy_hard]
        for each in TRIALS
    }
    scores["gray"] = [Scores(0.5, 0, 0, 0), Scores(0.5, 0, 0, 0)]
    table = photo_score_table(TRIALS, scores, make_settings().evaluate, seed=1).set_index("arm")
    assert table.index.tolist() == ["better", "worse", "gray"]
    # The photographs differ by 0.8, the arms on each of them by 0.09: the interval shows it.
    assert table.loc["worse", "to the best"] == "-0.090 (-0.090…-0.090)"
    assert table.loc["better", "to the best"] == ""
    assert table.loc["better", "score"] == "0.910 (0.510…1.310)"


def test_runs_of_a_filter_are_named_by_what_differs(monkeypatch):
    monkeypatch.setattr(results, "epoch_table", lambda client, run_id: (client, run_id))
    runs = [
        trained("", 1, 0.3, optim="adam", lr="0.1").run,
        trained("", 2, 0.3, optim="lion", lr="0.1").run,
    ]
    names = [each.arm for each in filtered_trainings("client", runs)]
    assert names == ["optim=adam", "optim=lion"]


def test_the_page_tells_tables_remarks_and_pictures(tmp_path, photo):
    missing = Arm("slow", 1, (), "x", 2, 200)
    found = StudyReport(
        "trial",
        "one thing or another",
        TRIALS,
        [(missing, "failed")],
        pictures={"damaged": photo, "better": photo, "truth": photo},
    )
    files = write_report(found, tmp_path / "new")
    assert [file.name for file in files] == [
        "trial.md",
        "trial.csv",
        "trial.png",
        "trial-photo.png",
    ]
    page = files[0].read_text(encoding="utf-8")
    assert page.startswith("# trial\n\nOne thing or another.")
    assert page.index("| better") < page.index("| worse")
    assert "Not in the tables: slow (seed 1) failed." in page
    assert "200 samples an arm, seeds 1, 2" in page
    for file in files[2:]:
        assert f"]({file.name})" in page
    back = pd.read_csv(files[1])
    assert back["score"].tolist() == pytest.approx([0.3, 0.4, 0.34, 0.42])
