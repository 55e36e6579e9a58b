"""Train the network on the prepared photographs."""

import logging
from pathlib import Path

from stages import ROOT, real_root, run

logger = logging.getLogger(__name__)


def main() -> None:
    """data/prepared → models/restorer, reports/train, and a run in MLflow."""
    from rechroma.settings import load_settings

    # Settings, then MLflow's store: a mistake shows before the slow imports.
    settings = load_settings(ROOT / "params.yaml")

    from rechroma.tracking.store import check_experiment

    check_experiment(real_root(), settings.tracking.experiment)

    import pandas as pd

    from rechroma.data.prepared import read_description
    from rechroma.tracking.runs import training_run, write_run_file
    from rechroma.training.checkpoint import Checkpoint, fingerprint
    from rechroma.training.plots import plot_curves
    from rechroma.training.trainer import Trainer, fit

    prepared, model = ROOT / "data/prepared", ROOT / "models/restorer"
    reports = ROOT / "reports/train"

    # The trainer, and the checkpoint of the same training, if it was interrupted.
    dataset = read_description(prepared)
    trainer = Trainer(settings, prepared)
    name = fingerprint(settings, dataset["digest"])
    checkpoint = Checkpoint(real_root() / ".rechroma" / "resume" / name)

    # Of several processes, all train, but the first one alone logs and writes.
    if not trainer.fabric.is_global_zero:
        fit(trainer, model, checkpoint)
        return

    # Train; an interrupted training continues its MLflow run too.
    run_id_file = checkpoint.folder / "mlflow_run"
    device = trainer.fabric.device.type
    with training_run(settings, real_root(), dataset, device, run_id_file) as mlflow_run:
        progress = fit(trainer, model, checkpoint, mlflow_run)
        write_onnx(model)

        # Reports: the history as a table and as curves, and which run trained the model.
        reports.mkdir(parents=True, exist_ok=True)
        epochs = pd.RangeIndex(1, len(progress.history) + 1, name="epoch")
        pd.DataFrame(progress.history, index=epochs).to_csv(reports / "epochs.csv")
        plot_curves(progress.history, reports / "curves.png")
        mlflow_run.file(reports / "curves.png")
        mlflow_run.metrics({"best/epoch": progress.best_epoch, "best/score": progress.best_score})
        write_run_file(mlflow_run, reports / "run.json")
    checkpoint.remove()


def write_onnx(model: Path) -> None:
    """Add the ONNX file to a model's folder; where that cannot be, print why and go on."""
    from rechroma.deployment.onnx_export import add_onnx
    from rechroma.errors import UserError

    try:
        add_onnx(model)
    except UserError as error:
        logger.info("no ONNX file in %s: %s", model, error)
        print(f"no ONNX file of the model, torch will restore with it: {error}", flush=True)


if __name__ == "__main__":
    run(main)
