"""Names of photographs: any that a file system takes."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rechroma.apps.cli.main import main
from rechroma.imaging.io import write_png

few = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="/\0")
stems = st.text(letters, min_size=1, max_size=40).filter(
    lambda stem: not stem.startswith(".") and len(os.fsencode(stem)) < 180
)


@pytest.fixture(scope="session")
def small_gray() -> np.ndarray:
    gray = np.random.default_rng(0).integers(70, 250, (24, 32)).astype(np.uint8)
    gray[6:16, 8:20] = 60
    return gray


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    return int(stopped.value.code or 0)


@few
@given(stems)
@example("-")
@example("--out")
@example("-v")
@example("100% sure %s %d {0} {name}")
@example("  two spaces  ")
@example("e\u0301 \u00e9 \u202eright to left \u200b \ufeff")
@example("김치 🧑‍🚀 \U0001f3f3\ufe0f")
@example("line\nbreak\ttab\r")
@example("[red]rich[red] [bold] \\")
@example("*?[a-z]")
@example("x" * 240)
@example("가" * 80)
def test_masks_of_an_album_have_the_names_of_its_photographs(small_gray, stem: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        album, out = Path(folder) / "album", Path(folder) / "out"
        write_png(album / "photo.png", small_gray)
        os.rename(album / "photo.png", album / f"{stem}.png")  # noqa: PTH104
        assert run("find-mask", str(album), "--out", str(out)) == 0
        assert [file.name for file in out.iterdir()] == [f"{stem}.png"]


NAMES = (
    *("-", "--out", "100% sure %s %d {0}", "  two spaces  ", "[red]rich[red] [bold] \\"),
    *("e\u0301 \u202eright", "김치 🧑‍🚀", "line\nbreak\t", "*?[a-z]", "x" * 240, "가" * 80),
)


def test_an_album_of_odd_names_is_restored_and_reported(small_gray, tmp_path: Path) -> None:
    album, out = tmp_path / "album % [b]", tmp_path / "-out"
    for name in NAMES:
        write_png(album / "photo.png", small_gray)
        (album / "photo.png").rename(album / f"{name}.png")
    report = tmp_path / "report.json"
    assert run("restore", str(album), "--out", str(out), "--report", str(report)) == 0
    restored = {file.name for file in out.iterdir() if file.suffix == ".png"}
    assert restored == {f"{name}.png" for name in NAMES}
    photos = json.loads(report.read_text(encoding="utf-8"))["photographs"]
    assert {Path(photo["photo"]).stem for photo in photos} == set(NAMES)
