"""Score the trained model on the test photographs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import ROOT, real_root, run

if TYPE_CHECKING:
    from rechroma.settings import Settings


def main() -> None:
    """models/restorer and data/prepared/test → reports, and test scores in MLflow."""
    from rechroma import settings as knobs

    settings = knobs.load(ROOT / "params.yaml")

    from rechroma.data import dataset
    from rechroma.evaluation import evaluate as evaluating
    from rechroma.models import store as storage
    from rechroma.progress import track
    from rechroma.tracking import registry
    from rechroma.tracking import runs as tracking

    prepared, model, reports = ROOT / "data/prepared", ROOT / "models/restorer", ROOT / "reports"
    described = dataset.describe(prepared)
    restorer = storage.load(model)
    test = track(
        dataset.held_out(prepared, "test"), "judging photographs", described["photos"]["test"]
    )
    table = evaluating.evaluate(
        test, restorer, settings.evaluate, settings.seed, reports, dataset.mean_hues(prepared)
    )
    print(evaluating.as_markdown(table), flush=True)

    package = ROOT / "src" / "rechroma"
    _register_shipped(settings, described, prepared, package)
    origin = model / "run.json"
    with tracking.evaluation_run(settings, real_root(), described, origin) as mlflow_run:
        groups = {evaluating.OURS: "test", evaluating.AHEAD.format(evaluating.OURS): "ahead"}
        for method, parts in table.items():
            group = groups.get(method, f"yardstick/{method.replace(',', '')}")
            mlflow_run.metrics({f"{group}/{part}": found.mean for part, found in parts.items()})
        for report in ("metrics.json", "photos.csv", "table.md", "strips"):
            mlflow_run.file(reports / report, "test")
        score = table[evaluating.OURS]["score"].mean
        print(
            registry.register(mlflow_run, settings, model, package, score, described["digest"]),
            flush=True,
        )


def _register_shipped(
    settings: "Settings", described: dict[str, Any], prepared: Path, package: Path
) -> None:
    """Let the package's model be the champion where there is none: something to beat."""
    from rechroma.data import dataset
    from rechroma.deployment import bundle as shipped
    from rechroma.errors import UserError
    from rechroma.evaluation import evaluate as evaluating
    from rechroma.models import store as storage
    from rechroma.tracking import registry
    from rechroma.tracking import runs as tracking

    if registry.has_champion(tracking.connect(real_root()), settings.tracking.model):
        return
    try:
        restorer = storage.load(shipped.FOLDER)
    except UserError as error:  # of another design, while the next one is trained
        print(f"the package's model is passed over as first champion: {error}", flush=True)
        return
    scores = evaluating.mean_scores(dataset.held_out(prepared, "test"), restorer)
    with tracking.shipped_run(settings, real_root(), described) as mlflow_run:
        mlflow_run.metrics({f"test/{part}": mean for part, mean in scores.items()})
        parts = (shipped.FOLDER, package, scores["score"], described["digest"])
        print(registry.register(mlflow_run, settings, *parts), flush=True)


if __name__ == "__main__":
    run(main)
