"""Restores a photograph with the rechroma that is installed beside this Python, and checks it.

check_installed.py FOLDER [ARGUMENT OF rechroma restore …]
"""

import os
import subprocess
import sys
import time
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

HOLE = np.s_[60:110, 80:150]
LOST_GRAY = 77
BUNDLED = (
    "model.json",
    "card.md",
    "weights.safetensors",
    "restorer.onnx",
    "finder.onnx",
    "finder.json",
)


def main() -> None:
    """Run the check; an AssertionError or a failed command ends it."""
    folder, *arguments = sys.argv[1:]
    check_contents()
    photo, mask = damaged_photo()
    old, new = Path(folder, "old.png"), Path(folder, "new.png")
    Image.fromarray(photo).save(old)
    home = Path(folder, "home")
    home.mkdir()
    seconds = {
        "--help": run(home, "--help"),
        "find-mask": run(home, "find-mask", old, "--out", Path(folder, "masks")),
        "restore": run(home, "restore", old, "--out", new, *arguments),
    }
    # onnxruntime's telemetry keeps an identifier there, unless it is turned off.
    assert not list(home.rglob("*")), f"written into the home folder: {list(home.rglob('*'))}"
    found = np.asarray(Image.open(Path(folder, "masks", "old.png")))
    np.testing.assert_array_equal(found, np.where(mask, 255, 0), "the damage is another")
    check_restored(Image.open(new), photo, mask)
    shown = ", ".join(f"{command} {value:.2f} s" for command, value in seconds.items())
    print(f"wheel: restored a photograph of 256x192 px; {shown}")


def check_contents() -> None:
    """The package has its weights and types, and neither tests nor torch came along."""
    paths = {str(path) for path in files("rechroma") or ()}
    assert paths >= {"rechroma/py.typed", *(f"rechroma/weights/{name}" for name in BUNDLED)}
    assert "rechroma/apps/blind/page.html" in paths
    assert not any(path.startswith(("tests/", "stages/", "benchmarks/")) for path in paths)
    extras = [name for name in ("torch", "mlflow", "dvc", "pandas", "scipy") if find_spec(name)]
    assert not extras, f"the base installs {extras}"


def damaged_photo() -> tuple[np.ndarray, np.ndarray]:
    """A smooth gray photograph with noise, `(192, 256)` uint8, and its mask, True where lost."""
    rows, columns = np.mgrid[:192, :256]
    noise = np.random.default_rng(0).normal(0, 5, rows.shape)
    gray = 128 + 90 * np.sin(columns / 19) * np.cos(rows / 23) + noise
    photo = np.clip(gray, 0, 255).astype(np.uint8)
    photo[photo == LOST_GRAY] += 1  # the gray of the damage is nowhere else
    mask = np.zeros(photo.shape, dtype=bool)
    mask[HOLE] = True
    photo[mask] = LOST_GRAY
    return photo, mask


def run(home: Path, *arguments: str | Path) -> float:
    """The seconds of a `rechroma` command that succeeds, as a new user with the folder `home`."""
    command = Path(sys.executable).with_name("rechroma")
    # Both variables would turn telemetry off.
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment["HOME"] = str(home)
    started = time.monotonic()
    ended = subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if ended.returncode:
        sys.exit(f"wheel: rechroma {arguments[0]} ended with {ended.returncode}\n{ended.stderr}")
    return time.monotonic() - started


def check_restored(restored: Image.Image, photo: np.ndarray, mask: np.ndarray) -> None:
    """The known gray is kept exactly, the hole is filled, and there is color."""
    assert (restored.mode, restored.size) == ("RGB", photo.shape[::-1])
    gray = np.asarray(restored.convert("L"))
    np.testing.assert_array_equal(gray[~mask], photo[~mask], "the known gray has changed")
    assert (gray[mask] != LOST_GRAY).mean() > 0.5, "the hole is not filled"
    assert np.ptp(np.asarray(restored).astype(int), axis=-1).max() > 5, "there is no color"


if __name__ == "__main__":
    main()
