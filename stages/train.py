"""Train the network on the prepared photographs."""

from stages import ROOT, real_root, run


def main() -> None:
    """data/prepared → models/restorer, reports/train, and a run in MLflow."""
    from rechroma.settings import load_settings

    settings = load_settings(ROOT / "params.yaml")

    import pandas as pd

    from rechroma.data.prepared import read_description
    from rechroma.tracking.runs import training_run, write_run_file
    from rechroma.training.checkpoint import Checkpoint, fingerprint
    from rechroma.training.plots import plot_curves
    from rechroma.training.trainer import Trainer, fit

    prepared, model = ROOT / "data/prepared", ROOT / "models/restorer"
    reports = ROOT / "reports/train"
    described = read_description(prepared)
    fresh = Trainer(settings, prepared)
    mark = fingerprint(settings, described["digest"])
    checkpoint = Checkpoint(real_root() / ".rechroma" / "resume" / mark)
    if not fresh.fabric.is_global_zero:  # one process of several tells and writes
        fit(fresh, model, checkpoint)
        return
    note, device = checkpoint.folder / "mlflow_run", fresh.fabric.device.type
    with training_run(settings, real_root(), described, device, note) as mlflow_run:
        progress = fit(fresh, model, checkpoint, mlflow_run)
        reports.mkdir(parents=True, exist_ok=True)
        epochs = pd.RangeIndex(1, len(progress.history) + 1, name="epoch")
        pd.DataFrame(progress.history, index=epochs).to_csv(reports / "epochs.csv")
        plot_curves(progress.history, reports / "curves.png")
        mlflow_run.file(reports / "curves.png")
        mlflow_run.metrics({"best/epoch": progress.best_epoch, "best/score": progress.best_score})
        write_run_file(mlflow_run, reports / "run.json")
    checkpoint.remove()


if __name__ == "__main__":
    run(main)
