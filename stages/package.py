"""Restore the inputs that have no truth into a submission."""

from stages import ROOT, run


def main() -> None:
    """models/restorer and the inputs in data/prepared → submission/submission.zip."""
    from rechroma.data import dataset
    from rechroma.errors import UserError
    from rechroma.evaluation import submission
    from rechroma.imaging import io as photos
    from rechroma.imaging.damage import find_mask
    from rechroma.models import store as storage
    from rechroma.progress import track

    folder, sizes = dataset.inputs(ROOT / "data/prepared")
    if not sizes:
        raise UserError("there are no inputs to restore, raise data.test and prepare again")
    restorer = storage.load(ROOT / "models/restorer")

    def restore(name: str) -> photos.Photo:
        damaged = photos.read_gray(folder / name)
        return restorer(damaged, find_mask(damaged))

    restored = ((name, restore(name)) for name in track(sizes, "restoring inputs", len(sizes)))
    submission.write(restored, sizes, ROOT / "submission/submission.zip")
    print(f"{len(sizes)} restored photographs are in submission/submission.zip", flush=True)


if __name__ == "__main__":
    run(main)
