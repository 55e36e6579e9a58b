import json
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, get, mask_of, put, rechroma


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sensitivity", "1.5"], "is '1.5', expected a number from 0 to 1"),
        (["--sensitivity", "nan"], "is 'nan', expected a number from 0 to 1"),
        (["--find", "cats"], "invalid choice: 'cats'"),
        (["--groups", "line,cats"], "has 'cats', expected some of line, spot, area, stain, flat"),
        (["--groups", "line"], "--groups is line, which only --find lines looks for; add it"),
        (["--groups", "flat", "--mask", "mask.png"], "--groups finds the damage"),
        (["--find", "flat", "--mask", "mask.png"], "--find finds the damage and --mask gives it"),
        (["--sensitivity", "0.2", "--mask", "mask.png"], "--sensitivity finds the damage"),
    ],
)
def test_wrong_options_are_one_message(damaged, capsys, options, message):
    put("old.png", damaged)
    put("mask.png", mask_of(HOLE))
    assert rechroma("restore", "old.png", "--out", "new.png", *options) == 2
    assert message in capsys.readouterr().err
    assert not Path("new.png").exists()


def test_nothing_is_found_on_request(damaged, capsys):
    put("old.png", damaged)
    out = ("--out", "new.png", "--report", "report.json")
    assert rechroma("restore", "old.png", *out, "--find", "none") == 0
    assert "no damage was looked for, color only" in capsys.readouterr().err
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["photographs"][0]["found"] == {}


def test_groups_stand_in_the_report_and_in_a_picture(damaged):
    put("old.png", damaged)
    out = ("--out", "new.png", "--report", "report.json")
    assert rechroma("restore", "old.png", *out, "--find", "lines") == 0
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    share = mask_of(HOLE).mean() / max(1, mask_of(HOLE).max())
    assert report["photographs"][0]["found"]["flat"] == pytest.approx(share, abs=1e-4)
    assert rechroma("find-mask", "old.png", "--out", "kinds", "--kinds", "--find", "flat") == 0
    assert np.array_equal(np.ptp(get("kinds/old.png"), axis=2) > 0, mask_of(HOLE) > 0)


@pytest.mark.parametrize(("groups", "lost"), [("flat", True), ("line,spot", False)])
def test_only_the_chosen_groups_are_filled(damaged, groups, lost):
    put("old.png", damaged)
    options = ("--find", "lines", "--groups", groups)
    out = ("--out", "new.png", "--report", "report.json", "--save-masks", "masks")
    assert rechroma("restore", "old.png", *out, *options) == 0
    assert (get("masks/old.png")[HOLE] > 0).all() == lost
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert "flat" in report["photographs"][0]["found"]
    assert rechroma("find-mask", "old.png", "--out", "found", *options) == 0
    assert np.array_equal(get("found/old.png"), get("masks/old.png"))


def test_another_way_of_finding_is_not_done(damaged, capsys):
    put("old.png", damaged)
    out = ("--out", "restored", "--skip-done")
    for options, done in (
        ((), False),
        ((), True),
        (("--find", "none"), False),
        (("--groups", "flat"), False),
    ):
        assert rechroma("restore", "old.png", *out, *options) == 0
        assert ("1 skipped" in capsys.readouterr().err) == done
