"""Score the trained model on the test photographs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import ROOT, real_root, run

if TYPE_CHECKING:
    from rechroma.settings import Settings


def main() -> None:
    """models/restorer and data/prepared/test → reports, and test scores in MLflow."""
    from rechroma.settings import load_settings

    settings = load_settings(ROOT / "params.yaml")

    from rechroma.data.prepared import mean_hue_histogram, read_description, read_held_out
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.evaluate import evaluate
    from rechroma.evaluation.intervals import DIFFERENCE, OURS, score_table
    from rechroma.progress import track
    from rechroma.tracking.registry import register
    from rechroma.tracking.runs import evaluation_run

    prepared, model, reports = ROOT / "data/prepared", ROOT / "models/restorer", ROOT / "reports"
    described = read_description(prepared)
    restorer = load_model(model)
    test = track(
        read_held_out(prepared, "test"), "evaluating photographs", described["photos"]["test"]
    )
    table = evaluate(
        test, restorer, settings.evaluate, settings.seed, reports, mean_hue_histogram(prepared)
    )
    print(score_table(table), flush=True)

    package = ROOT / "src" / "rechroma"
    _register_bundled(settings, described, prepared, package)
    origin = ROOT / "reports/train/run.json"
    with evaluation_run(settings, real_root(), described, origin) as mlflow_run:
        groups = {OURS: "test", DIFFERENCE.format(OURS): "difference"}
        for method, parts in table.items():
            group = groups.get(method, f"baseline/{method.replace(',', '')}")
            mlflow_run.metrics({f"{group}/{part}": found.mean for part, found in parts.items()})
        for report in ("metrics.json", "photos.csv", "table.md", "strips"):
            mlflow_run.file(reports / report, "test")
        score = table[OURS]["score"].mean
        print(
            register(mlflow_run, settings, model, package, score, described["digest"]),
            flush=True,
        )


def _register_bundled(
    settings: "Settings", described: dict[str, Any], prepared: Path, package: Path
) -> None:
    """Let the package's model be the champion where there is none: something to beat."""
    from rechroma.data.prepared import read_held_out
    from rechroma.deployment.load import load_model
    from rechroma.errors import UserError
    from rechroma.evaluation.evaluate import mean_scores
    from rechroma.models.weights import BUNDLED_FOLDER
    from rechroma.tracking.registry import has_champion, register
    from rechroma.tracking.runs import bundled_run, connect

    if has_champion(connect(real_root()), settings.tracking.model):
        return
    try:
        restorer = load_model(BUNDLED_FOLDER)
    except UserError as error:  # of another design, while the next one is trained
        print(f"the bundled model is skipped as the first champion: {error}", flush=True)
        return
    scores = mean_scores(read_held_out(prepared, "test"), restorer)
    with bundled_run(settings, real_root(), described) as mlflow_run:
        mlflow_run.metrics({f"test/{part}": mean for part, mean in scores.items()})
        parts = (BUNDLED_FOLDER, package, scores["score"], described["digest"])
        print(register(mlflow_run, settings, *parts), flush=True)


if __name__ == "__main__":
    run(main)
