"""Restore the inputs that have no target, for a submission."""

from stages import ROOT, run


def main() -> None:
    """models/restorer and the inputs in data/prepared → submission/submission.zip."""
    from rechroma.data.prepared import submission_inputs
    from rechroma.deployment.load import load_model
    from rechroma.errors import UserError
    from rechroma.evaluation.submission import write_submission
    from rechroma.imaging.detect_damage import find_damage
    from rechroma.imaging.io import read_gray
    from rechroma.imaging.types import Photo
    from rechroma.progress import track

    folder, sizes = submission_inputs(ROOT / "data/prepared")
    if not sizes:
        raise UserError("there are no inputs to restore, raise data.test and prepare again")
    restorer = load_model(ROOT / "models/restorer", backend="torch", device="cpu")

    def restore(name: str) -> Photo:
        damaged = read_gray(folder / name)
        return restorer(damaged, find_damage(damaged))

    # One at a time: a restored photograph is written before the next one is read.
    restored = ((name, restore(name)) for name in track(sizes, "restoring inputs", len(sizes)))
    write_submission(restored, sizes, ROOT / "submission/submission.zip")
    print(f"{len(sizes)} restored photographs are in submission/submission.zip", flush=True)


if __name__ == "__main__":
    run(main)
