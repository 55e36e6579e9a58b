from rechroma.metrics import Scores
from rechroma.studies import results
from rechroma.studies.results import (
    arm_table,
    filtered_trainings,
    photo_score_table,
    training_rows,
)


def test_the_row_of_a_training_has_score_cost_and_divergence(trainings):
    rows = training_rows(trainings)
    assert rows["score"].tolist() == [0.3, 0.4, 0.34, 0.42]
    assert set(rows["seconds"]) == {3.0}
    assert set(rows["samples"]) == {200}
    assert rows["divergence"].tolist() == ["", "", "", "epoch 2: loss 3 after 1; never recovered"]


def test_arms_are_ranked_by_their_mean_with_the_range_over_seeds(trainings):
    table = arm_table(training_rows(trainings))
    assert table["arm"].tolist() == ["better", "worse"]
    assert table["validation score"].tolist()[0] == "0.4100 (0.4000…0.4200)"
    assert table["divergence"].tolist() == [
        "seed 2, epoch 2: loss 3 after 1; never recovered",
        "no",
    ]


def test_one_seed_has_no_range(trainings):
    assert arm_table(training_rows(trainings[:1]))["validation score"].tolist() == ["0.3000"]


def test_differences_are_taken_photograph_by_photograph(trainings, make_settings):
    easy_hard = (0.9, 0.1)
    scores = {
        training.name: [
            Scores(base + training.run.metrics["best/score"], 0, 0, 0) for base in easy_hard
        ]
        for training in trainings
    }
    scores["gray"] = [Scores(0.5, 0, 0, 0), Scores(0.5, 0, 0, 0)]
    table = photo_score_table(trainings, scores, make_settings().evaluate, seed=1).set_index("arm")
    assert table.index.tolist() == ["better", "worse", "gray"]
    # The photographs differ by 0.8, the arms on each of them by 0.09: the interval shows it.
    assert table.loc["worse", "difference to the best"] == "-0.090 (-0.090…-0.090)"
    assert table.loc["better", "difference to the best"] == ""
    assert table.loc["better", "score"] == "0.910 (0.510…1.310)"


def test_filtered_runs_are_named_by_the_settings_that_differ(finished_training, monkeypatch):
    monkeypatch.setattr(results, "epoch_table", lambda client, run_id: (client, run_id))
    runs = [
        finished_training("", 1, 0.3, optim="adam", lr="0.1").run,
        finished_training("", 2, 0.3, optim="lion", lr="0.1").run,
    ]
    names = [training.arm for training in filtered_trainings("client", runs)]
    assert names == ["optim=adam", "optim=lion"]
