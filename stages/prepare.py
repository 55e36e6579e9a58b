"""Turn the photographs of params.yaml's `data` into data/prepared/."""

from pathlib import Path

from stages import ROOT, real_root, run


def main() -> None:
    """Read params.yaml; write data/prepared/ and reports/prepare.json."""
    from rechroma.preparation.prepare import prepare
    from rechroma.preparation.sources import SHOWN_FOLDERS
    from rechroma.settings import load_settings

    settings = load_settings(ROOT / "params.yaml")
    result = prepare(
        settings, _raw(settings.data.path), ROOT / "data/prepared", ROOT / "reports/prepare.json"
    )
    counts = ", ".join(f"{count} {split}" for split, count in result.photos.items() if count)
    print(f"prepared {settings.data.source}: {counts} photographs of {settings.data.size} px")
    if result.split_folders:
        shown = [f"{folder} ({split})" for folder, split in result.split_folders.items()]
        more = ", …" if len(shown) > SHOWN_FOLDERS else ""
        print(f"folders that set the splits: {', '.join(shown[:SHOWN_FOLDERS])}{more}")
    print(f"rejected {len(result.rejected)}, skipped {len(result.skipped)}: reports/prepare.json")


def _raw(path: Path) -> Path:
    """`path` in this checkout; in a passing copy of DVC's that lacks it, in the real project."""
    here = ROOT / path
    return here if here.exists() else real_root() / path


if __name__ == "__main__":
    run(main)
