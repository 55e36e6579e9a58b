"""Score the trained model on the test photographs."""

from stages import ROOT, real_root, run


def main() -> None:
    """models/restorer and data/prepared/test → reports, and test scores in MLflow."""
    from rechroma.settings import load_settings

    # Settings, then MLflow's store: a mistake shows before the slow imports.
    settings = load_settings(ROOT / "params.yaml")

    from rechroma.tracking.store import check_experiment

    check_experiment(real_root(), settings.tracking.experiment)

    from rechroma.data.prepared import mean_hue_histogram, read_description, read_held_out
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.appearance import missing_encoder
    from rechroma.evaluation.evaluate import evaluate
    from rechroma.evaluation.final_metrics import logged_metrics
    from rechroma.evaluation.intervals import OURS
    from rechroma.progress import track
    from rechroma.settings import AIMS
    from rechroma.tracking.registry import register, register_first_champion
    from rechroma.tracking.runs import evaluation_run

    prepared, model, reports = ROOT / "data/prepared", ROOT / "models/restorer", ROOT / "reports"
    package = ROOT / "src" / "rechroma"

    # Restore the test photographs by the model and the baselines, and score them. The aim that
    # the model was trained with comes first.
    dataset = read_description(prepared)
    test = read_held_out(prepared, "test")
    photos = track(test, "evaluating photographs", dataset["photos"]["test"])
    hues = mean_hue_histogram(prepared)
    restorer = load_model(model, backend="torch", device="cpu")
    aims = sorted(AIMS, key=lambda aim: aim != restorer.settings.aim)
    models = {aim: restorer.with_aim(aim) for aim in aims}
    table = evaluate(photos, models, settings.evaluate, settings.seed, reports, hues)
    print((reports / "table.md").read_text(encoding="utf-8"), flush=True)
    if settings.evaluate.appearance_photos and (missing := missing_encoder()):
        print(f"no appearance in the table: {missing}", flush=True)

    # The bundled model is the first champion: something to beat.
    first = register_first_champion(settings, real_root(), dataset, prepared, package)
    if first:
        print(first, flush=True)

    # Log the scores to the run that trained the model, and register the model.
    run_file = ROOT / "reports/train/run.json"
    with evaluation_run(settings, real_root(), dataset, run_file) as mlflow_run:
        mlflow_run.metrics(logged_metrics(table, aims))
        for report in ("metrics.json", "photos.csv", "table.md", "strips"):
            mlflow_run.file(reports / report, "test")
        score = table[OURS]["score"].mean
        print(register(mlflow_run, settings, model, package, score, dataset["digest"]), flush=True)


if __name__ == "__main__":
    run(main)
