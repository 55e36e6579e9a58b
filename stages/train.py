"""Train the network on the prepared photographs."""

from stages import ROOT, real_root, run


def main() -> None:
    """data/prepared → models/restorer, reports/train, and a run in MLflow."""
    from rechroma import settings as knobs

    settings = knobs.load(ROOT / "params.yaml")

    import pandas as pd

    from rechroma.data import dataset
    from rechroma.imaging import figures
    from rechroma.tracking import runs as tracking
    from rechroma.training import trainer as training
    from rechroma.training.checkpoint import Checkpoint, fingerprint

    prepared, model = ROOT / "data/prepared", ROOT / "models/restorer"
    reports = ROOT / "reports/train"
    described = dataset.describe(prepared)
    fresh = training.Training(settings, prepared)
    mark = fingerprint(settings, described["digest"])
    checkpoint = Checkpoint(real_root() / ".rechroma" / "resume" / mark)
    if not fresh.fabric.is_global_zero:  # one process of several tells and writes
        training.fit(fresh, model, checkpoint)
        return
    note, device = checkpoint.folder / "mlflow_run", fresh.fabric.device.type
    with tracking.training_run(settings, real_root(), described, device, note) as mlflow_run:
        progress = training.fit(fresh, model, checkpoint, mlflow_run)
        reports.mkdir(parents=True, exist_ok=True)
        epochs = pd.RangeIndex(1, len(progress.history) + 1, name="epoch")
        pd.DataFrame(progress.history, index=epochs).to_csv(reports / "epochs.csv")
        figures.curves(progress.history, reports / "curves.png")
        mlflow_run.file(reports / "curves.png")
        mlflow_run.metrics({"best/epoch": progress.best_epoch, "best/score": progress.best_score})
        tracking.note_origin(mlflow_run, model / "run.json")
    checkpoint.remove()


if __name__ == "__main__":
    run(main)
