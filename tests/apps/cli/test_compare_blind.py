import json
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, files, put, rechroma

from rechroma.apps.blind.pairs import read_key
from rechroma.tracking.store import connect

KEY = Path("reports/blind.key.json")


@pytest.fixture
def album(project, photo):  # noqa: ARG001, in that folder
    """Three photographs in color."""
    for number in range(3):
        put(f"album/{number}.png", np.roll(photo, 9 * number, axis=1))


def compare(*arguments):
    return rechroma("compare", *arguments)


def blind(*sources, photos="album", more=()):
    return compare("--blind", *sources, "--photos", photos, *more)


@pytest.mark.usefixtures("album")
def test_a_page_its_key_and_sheets_are_written(capsys, model):
    model("tiny")
    assert blind("tiny", "gray", "bundled", more=["--sheets", "--limit", "2"]) == 0
    shown = capsys.readouterr().err
    assert "6 pairs of 3 models" in shown
    assert "written: reports/blind.html, reports/blind.key.json, reports/blind-sheets" in shown
    key = read_key(KEY)
    assert (key.holes, key.size, len(key.pairs)) == ("color", 900, 6)
    assert key.models == {"tiny": "tiny", "gray": "gray", "bundled": "bundled"}
    page = Path("reports/blind.html").read_text()
    assert key.page in page
    assert not any(name in page for name in ("tiny", "bundled", "0.png"))
    assert Path("reports/blind-sheets/votes.csv").exists()


@pytest.mark.usefixtures("album")
def test_the_same_seed_gives_the_same_page_and_another_seed_another_one():
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert blind("bundled", "gray", more=["--seed", seed, "--out", f"{name}.html"]) == 0
    a, b, c = (Path(f"{name}.html").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.usefixtures("album")
def test_on_photographs_of_ready_pictures_no_holes_are_drawn(photo):
    for number in range(3):
        put(f"ready/{number}.jpg", np.roll(photo, 9 * number, axis=1))
    assert blind("better=ready", "gray") == 0
    assert read_key(KEY).holes == "none"
    assert read_key(KEY).models == {"better": "ready", "gray": "gray"}


@pytest.mark.usefixtures("album")
def test_a_photograph_that_cannot_be_read_is_skipped_and_named(capsys):
    Path("album/1.png").write_bytes(b"no picture")
    assert blind("bundled", "gray") == 1
    assert "album/1.png: is no picture" in capsys.readouterr().err
    assert {pair.photo for pair in read_key(KEY).pairs} == {"0.png", "2.png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--blind", "bundled"], "expected two models or more"),
        (["--blind", "bundled", "gray"], "expected --photos DIR"),
        (["--blind", "bundled", "gray", "--photos", "none"], "none is not a folder"),
        (["--blind", "bundled", "gray", "--photos", "empty"], "empty holds no photographs"),
        (["--blind", "bundled", "gray", "--photos", "broken"], "none of 1 photographs can be used"),
        (["--blind", "bundled", "bundled", "--photos", "album"], "two are named 'bundled'"),
        (["--blind", "gray", "nothing", "--photos", "album"], "'nothing' is no model"),
        (["--blind", "gray", "bundled", "--photos", "album", "--out", "x.png"], "--out is x.png"),
        (["--blind", "gray", "bundled", "--photos", "album", "--size", "9"], "--size is 9"),
        (["--blind", "gray", "bundled", "--photos", "album", "--limit", "0"], "--limit is 0"),
        (["--blind", "gray", "bundled", "--photos", "album", "--seed", "-1"], "--seed is -1"),
        (["losses", "--blind", "gray", "bundled"], "one of them"),
        (["--blind-result", "a.csv"], "reports/blind.key.json: is missing, expected the key"),
    ],
)
@pytest.mark.usefixtures("album")
def test_a_user_error_is_the_last_line_and_nothing_is_written(capsys, arguments, message):
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/a.png").write_bytes(b"no picture")
    before = files()
    assert compare(*arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert files() == before


@pytest.mark.usefixtures("album")
def test_the_key_of_an_earlier_page_is_never_overwritten(capsys):
    assert blind("bundled", "gray") == 0
    before = files()
    assert blind("bundled", "gray", more=["--seed", "9"]) == 2
    assert "the votes on its page need it" in capsys.readouterr().err
    assert files() == before


@pytest.fixture
def voted(root, album):  # noqa: ARG001, in that folder
    """A page on which Anna prefers the bundled model always, and Ben once has no preference."""
    assert blind("bundled", "gray") == 0
    key = read_key(KEY)
    wanted = {p.number: "left" if p.left == "bundled" else "right" for p in key.pairs}
    anna = {"page": key.page, "voter": "Anna", "votes": {p.id: wanted[p.number] for p in key.pairs}}
    Path("anna.json").write_text(json.dumps(anna))
    Path("ben.csv").write_text(f"1,{wanted[1]}\n2,none\n")
    return key


def test_votes_become_a_table_a_file_and_a_run_of_mlflow(root, voted, capsys):
    capsys.readouterr()
    assert compare("--blind-result", "anna.json", "ben.csv") == 0
    table = capsys.readouterr().out
    assert "| bundled | gray | Anna | 3 | 0 | 0 | 1.000 (" in table
    assert "| bundled | gray | ben | 1 | 0 | 1 | 0.750 (" in table
    assert "| bundled | gray | all | 4 | 0 | 1 | 0.900 (" in table
    assert Path("reports/blind.result.md").read_text() == table
    result = json.loads(Path("reports/blind.result.json").read_text())
    assert result["votes"] == {"Anna": 3, "ben": 2}
    # Counted again, with fewer votes, it is the same run.
    assert compare("--blind-result", "ben.csv", "--out", "ben.json") == 0
    assert Path("ben.md").exists()
    client = connect(root)
    experiment = client.get_experiment_by_name("rechroma").experiment_id
    (run,) = client.search_runs([experiment])
    assert run.info.run_name == f"blind comparison {voted.page}"
    assert run.data.tags["blind.models"] == "bundled | gray"
    assert run.data.metrics["ties_half/bundled over gray"] == 0.75
    logged = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert logged >= {"blind.result.json", "blind.result.md", "blind.key.json", "votes"}


@pytest.mark.parametrize("out", ["anna.json", "result.md", "reports/blind.key.json"])
@pytest.mark.usefixtures("voted")
def test_votes_and_their_key_are_never_overwritten(capsys, out):
    before = files()
    assert compare("--blind-result", "anna.json", "--out", out) == 2
    assert f"--out is {out}, expected a new file" in capsys.readouterr().err
    assert files() == before


def test_votes_on_another_page_are_a_user_error(voted, capsys):
    assert blind("bundled", "gray", more=["--seed", "9", "--out", "other.html"]) == 0
    assert compare("--blind-result", "anna.json", "--key", "other.key.json") == 2
    assert f"anna.json: is of the page {voted.page}, expected" in capsys.readouterr().err


def test_holes_are_found_on_gray_photographs_and_not_drawn(project, damaged):  # noqa: ARG001
    put("album/a.png", damaged)
    assert damaged[HOLE].std() == 0
    assert blind("bundled", "gray") == 0
    assert len(read_key(KEY).pairs) == 1
