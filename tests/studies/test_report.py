from dataclasses import replace

import pandas as pd
import pytest

from rechroma.studies.report import StudyReport, log_report, write_report
from rechroma.studies.spec import Arm


def test_the_page_has_tables_remarks_and_pictures(trainings, tmp_path, photo):
    missing = Arm("slow", 1, (), "x", 2, 200)
    report = StudyReport(
        "trial",
        "one thing or another",
        trainings,
        [(missing, "failed")],
        pictures={"damaged": photo, "better": photo, "truth": photo},
    )
    files = write_report(report, tmp_path / "new")
    assert [file.name for file in files] == [
        "trial.md",
        "trial.csv",
        "trial.png",
        "trial-photo.png",
    ]
    page = files[0].read_text(encoding="utf-8")
    assert page.startswith("# trial\n\nOne thing or another.")
    assert page.index("| better |") < page.index("| worse |")
    assert "Not in the tables: slow (seed 1) failed." in page
    assert "200 samples per arm, seeds 1, 2" in page
    for file in files[2:]:
        assert f"]({file.name})" in page
    rows = pd.read_csv(files[1])
    assert rows["score"].tolist() == pytest.approx([0.3, 0.4, 0.34, 0.42])


def test_scores_on_photographs_are_a_table_with_its_heading(trainings, tmp_path):
    scores = pd.DataFrame({"arm": ["better"], "score": ["0.500 (0.400…0.600)"]})
    report = StudyReport("trial", "x", trainings, photo_scores=scores, heading="9 photographs")
    files = write_report(report, tmp_path)
    assert [file.name for file in files] == ["trial.md", "trial.csv", "trial.png"]
    page = files[0].read_text(encoding="utf-8")
    assert page.index("9 photographs: means over seeds") < page.index("| better | 0.500 (0.400…")


def test_different_data_and_revisions_are_remarked(finished_training, tmp_path):
    first, second = (finished_training(arm, 1, 0.3) for arm in ("a", "b"))
    run = replace(second.run, data="other", revision="123456789")
    page = write_report(StudyReport("trial", "x", [first, replace(second, run=run)]), tmp_path)[
        0
    ].read_text("utf-8")
    assert "- The trainings ran at several revisions: 1234567, abcdef0." in page
    assert "- The trainings did not all have the same prepared data." in page


class RecordingRun:
    """A run that records its calls."""

    def __init__(self):
        self.files, self.logged, self.children = [], {}, []

    def file(self, path):
        self.files.append(path)

    def metrics(self, values):
        self.logged |= values

    def adopt(self, run_id):
        self.children.append(run_id)


def test_a_logged_report_has_mean_scores_and_the_trainings_as_children(finished_training, tmp_path):
    trainings = [finished_training("lr=0.1", seed, 0.3 + 0.1 * seed) for seed in (1, 2)]
    report, run = StudyReport("trial", "x", trainings), RecordingRun()
    files = write_report(report, tmp_path)
    log_report(report, files, run)
    assert run.files == files
    assert run.logged == pytest.approx({"score/lr:0.1": 0.45})  # MLflow refuses "="
    assert run.children == ["lr=0.1-1", "lr=0.1-2"]


def test_appearance_is_explained_and_logged_where_it_was_measured(finished_training, tmp_path):
    training, run = finished_training("a", 1, 0.3), RecordingRun()
    training.run.metrics["aim/eye/colorfulness"] = 0.9
    report = StudyReport("trial", "x", [training])
    page, *_ = files = write_report(report, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.index("restored for the eye") < text.index("| 0.900 |")
    log_report(report, files, run)
    assert run.logged == pytest.approx({"score/a": 0.3, "colorfulness/a": 0.9})
