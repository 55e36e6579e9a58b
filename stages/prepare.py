"""Turn the photographs of params.yaml's `data` into data/prepared/."""

from pathlib import Path

from stages import ROOT, run


def main() -> None:
    """Read params.yaml; write data/prepared/ and reports/prepare.json."""
    from rechroma.preparing import prepare
    from rechroma.settings import load

    settings = load(ROOT / "params.yaml")
    made = prepare(
        settings, _raw(settings.data.path), ROOT / "data/prepared", ROOT / "reports/prepare.json"
    )
    counts = ", ".join(f"{count} {split}" for split, count in made.photos.items() if count)
    print(f"prepared {settings.data.source}: {counts} photographs of {settings.data.size} px")
    print(f"rejected {len(made.rejected)}, left out {len(made.left_out)}: reports/prepare.json")


def _raw(path: Path) -> Path:
    """`path` in this checkout; in a temporary one of DVC that lacks it, in the real one."""
    here = ROOT / path
    real = Path(str(ROOT).partition("/.dvc/tmp/exps")[0]) / path
    return here if here.exists() else real


if __name__ == "__main__":
    run(main)
