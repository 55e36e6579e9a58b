from rechroma.evaluation.appearance import Appearance
from rechroma.metrics import Scores
from rechroma.studies.photo_scores import photo_score_table


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


def test_appearance_is_a_mean_over_seeds_with_an_interval_over_photographs(
    trainings, make_settings
):
    scores = {each.name: [Scores(0.5, 0, 0, 0)] * 3 for each in trainings}
    looks = {each.name: [Appearance(0.1 * each.seed, 1.0, 0.9)] * 3 for each in trainings}
    scores["gray"], looks["gray"] = (
        scores[trainings[0].name],
        [Appearance(0.3, 0, float("nan"))] * 3,
    )
    evaluate = make_settings().evaluate
    table = photo_score_table(trainings, scores, evaluate, seed=1, looks=looks).set_index("arm")
    assert table.loc["better", "feature_distance"] == "0.150 (0.150…0.150)"
    assert table.loc["gray", "feature_distance"] == "0.300 (0.300…0.300)"
    assert table.loc["gray", "rainbow"] == ""
    assert "rainbow" not in photo_score_table(trainings, scores, evaluate, seed=1)
