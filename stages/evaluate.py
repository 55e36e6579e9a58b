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
    from rechroma.evaluation.evaluate import evaluate
    from rechroma.evaluation.intervals import DIFFERENCE, OURS, score_table
    from rechroma.progress import track
    from rechroma.tracking.registry import register, register_first_champion
    from rechroma.tracking.runs import evaluation_run

    prepared, model, reports = ROOT / "data/prepared", ROOT / "models/restorer", ROOT / "reports"
    package = ROOT / "src" / "rechroma"

    # Restore the test photographs by the model and the baselines, and score them.
    dataset = read_description(prepared)
    test = read_held_out(prepared, "test")
    photos = track(test, "evaluating photographs", dataset["photos"]["test"])
    hues = mean_hue_histogram(prepared)
    restorer = load_model(model, backend="torch", device="cpu")
    table = evaluate(photos, restorer, settings.evaluate, settings.seed, reports, hues)
    print(score_table(table), flush=True)

    # The bundled model is the first champion: something to beat.
    first = register_first_champion(settings, real_root(), dataset, prepared, package)
    if first:
        print(first, flush=True)

    # Log the scores to the run that trained the model, and register the model.
    run_file = ROOT / "reports/train/run.json"
    with evaluation_run(settings, real_root(), dataset, run_file) as mlflow_run:
        groups = {OURS: "test", DIFFERENCE.format(OURS): "difference"}
        for method, parts in table.items():
            group = groups.get(method, f"baseline/{method.replace(',', '')}")
            mlflow_run.metrics({f"{group}/{part}": mean for part, (mean, _, _) in parts.items()})
        for report in ("metrics.json", "photos.csv", "table.md", "strips"):
            mlflow_run.file(reports / report, "test")
        score = table[OURS]["score"].mean
        print(register(mlflow_run, settings, model, package, score, dataset["digest"]), flush=True)


if __name__ == "__main__":
    run(main)
