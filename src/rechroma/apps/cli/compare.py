"""`rechroma compare`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.compare_blind import (
    PAGE,
    SHOWN,
    add_options,
    count_blind_votes,
    make_blind_page,
)
from rechroma.apps.cli.evaluate import damaged_photographs
from rechroma.apps.cli.paths import PARAMS, STUDIES
from rechroma.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from rechroma.settings import Settings
    from rechroma.studies.report import StudyReport

REPORTS = Path("reports/studies")

COMPARE = """\
Compares the finished trainings of a study, or any in MLflow: a table with the spread over seeds,
learning curves, and one photograph restored by every arm. They are also logged to MLflow as a run.
With --photos every model is scored on the same photographs, damaged with the settings of
params.yaml.
With --blind people are asked: a page shows pairs of restorations, without names. --blind-result
counts their votes.

  rechroma compare optimizers                      reports/studies/optimizers.md .csv .png
  rechroma compare losses --photos album/ --size 512
  rechroma compare --filter "params.optim = 'lion'" --name lion
  rechroma compare --blind bundled models/restorer --photos album/ --out reports/blind.html
  rechroma compare --blind-result votes-anna.json votes-ben.csv --key reports/blind.key.json
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    compare = add_command("compare", "compare trainings", COMPARE, _compare)
    compare.add_argument("name", nargs="?", metavar="NAME", help="a study that was run here")
    compare.add_argument("--filter", metavar="EXPR", help="of MLflow runs, instead of a study")
    compare.add_argument(
        "--name", dest="title", metavar="NAME", help="of the files that are written, with --filter"
    )
    compare.add_argument(
        "--photos", type=Path, metavar="DIR", help="photographs in color to score the models on"
    )
    compare.add_argument(
        "--size",
        type=int,
        metavar="PX",
        help="side of the square photographs; default: data.size; with --blind: longer side of "
        f"the pictures, default: {SHOWN}",
    )
    compare.add_argument("--limit", type=int, metavar="N", help="number of photographs, at most")
    compare.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help=f"folder, default: {REPORTS}; with --blind: the page, default: {PAGE}; with "
        "--blind-result: the result, default: beside the key",
    )
    add_options(compare)


def _compare(chosen: argparse.Namespace) -> int:
    asked = [chosen.name, chosen.filter, chosen.blind, chosen.blind_result]
    if sum(map(bool, asked)) != 1:
        raise UserError(
            "expected either a study's name or --filter, --blind or --blind-result, one of them"
        )
    if chosen.blind:
        return make_blind_page(chosen)
    if chosen.blind_result:
        return count_blind_votes(chosen)
    return _compare_trainings(chosen)


def _compare_trainings(chosen: argparse.Namespace) -> int:
    from rechroma.settings import load_settings
    from rechroma.studies.report import log_report, write_report
    from rechroma.tracking.runs import comparison_run
    from rechroma.tracking.store import connect

    settings = load_settings(PARAMS)
    root = Path.cwd()
    client = connect(root)
    report = _find_trainings(chosen, client, settings.tracking.experiment)
    if chosen.photos:
        report = _score_photos(chosen, report, client, settings)
    files = write_report(report, chosen.out or REPORTS)
    with comparison_run(client, settings.tracking.experiment, root, report.name) as run:
        log_report(report, files, run)
    print(files[0].read_text(encoding="utf-8"), end="")
    print("written: " + ", ".join(map(str, files)), file=sys.stderr, flush=True)
    return 0


def _find_trainings(
    chosen: argparse.Namespace, client: "MlflowClient", experiment: str
) -> "StudyReport":
    from rechroma.studies.report import StudyReport
    from rechroma.studies.results import filtered_trainings, study_trainings
    from rechroma.studies.runner import plan_file
    from rechroma.studies.spec import choose_study, load_studies, read_plan
    from rechroma.tracking.queries import find_trainings

    if chosen.filter:
        runs = find_trainings(client, experiment, chosen.filter)
        name, about = chosen.title or "filtered", f"runs with {chosen.filter}"
        report = StudyReport(name, about, filtered_trainings(client, runs))
    else:
        name = chosen.name
        about = choose_study(load_studies(STUDIES), name).about
        arms, since = read_plan(plan_file(Path.cwd(), name))
        runs = find_trainings(client, experiment)
        report = StudyReport(name, about, *study_trainings(client, arms, runs, since))
    if not report.trained:
        raise UserError(f"{name}: MLflow holds no finished training of it")
    return report


def _score_photos(
    chosen: argparse.Namespace, report: "StudyReport", client: "MlflowClient", settings: "Settings"
) -> "StudyReport":
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.appearance import missing_encoder
    from rechroma.evaluation.appearance_table import measure_appearance
    from rechroma.evaluation.baselines import BASELINES
    from rechroma.evaluation.compare import score_models
    from rechroma.studies.photo_scores import photo_score_table
    from rechroma.tracking.queries import model_folder

    photographs, _ = damaged_photographs(chosen.photos, chosen.size, settings)
    photographs = photographs[: chosen.limit]
    models = {
        each.name: load_model(model_folder(client, each.run), aim="score")
        for each in report.trained
    }
    scores, rows = score_models(photographs, models, shown=1)
    # Each model is measured for both of its aims: scores above, appearance for the eye.
    looks, limit = None, settings.evaluate.appearance_photos
    if limit and (missing := missing_encoder()):
        print(f"no appearance in the table: {missing}", file=sys.stderr)
    elif limit:
        for_eye = {name: model.with_aim("eye") for name, model in models.items()}
        looks = measure_appearance(photographs, {**for_eye, **BASELINES}, limit)
    names = ["damaged", *models, "truth"]
    # The picture shows one seed of each arm.
    seed = report.trained[0].seed
    shown = {each.name: each.arm for each in report.trained if each.seed == seed}
    pictures = {
        shown.get(name, name): picture
        for name, picture in zip(names, rows[0], strict=True)
        if name in shown or name in ("damaged", "truth")
    }
    size = chosen.size or settings.data.size
    return report._replace(
        photo_scores=photo_score_table(
            report.trained, scores, settings.evaluate, settings.seed, looks
        ),
        heading=f"{len(photographs)} photographs of {chosen.photos}, {size} px",
        pictures=pictures,
    )
