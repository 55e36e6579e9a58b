from rechroma.studies import results
from rechroma.studies.results import (
    arm_table,
    filtered_trainings,
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


def test_arms_have_the_appearance_that_their_runs_logged(finished_training):
    trainings = [finished_training(arm, seed, 0.3) for arm in "ab" for seed in (1, 2)]
    rows = training_rows(trainings)
    assert "rainbow" not in arm_table(rows)
    for training, distance in zip(trainings, (0.2, 0.3, 0.4), strict=False):
        training.run.metrics["aim/eye/feature_distance"] = distance
    table = arm_table(training_rows(trainings)).set_index("arm")
    assert table["feature_distance"].to_dict() == {"a": "0.250", "b": "0.400"}
    assert "rainbow" not in table


def test_one_seed_has_no_range(trainings):
    assert arm_table(training_rows(trainings[:1]))["validation score"].tolist() == ["0.3000"]


def test_filtered_runs_are_named_by_the_settings_that_differ(finished_training, monkeypatch):
    monkeypatch.setattr(results, "epoch_table", lambda client, run_id: (client, run_id))
    runs = [
        finished_training("", 1, 0.3, optim="adam", lr="0.1").run,
        finished_training("", 2, 0.3, optim="lion", lr="0.1").run,
    ]
    names = [training.arm for training in filtered_trainings("client", runs)]
    assert names == ["optim=adam", "optim=lion"]
