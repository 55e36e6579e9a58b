"""`rechroma study` and `rechroma compare`."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import Add
from rechroma.apps.cli.evaluate import damaged_photographs
from rechroma.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from rechroma.settings import Settings
    from rechroma.studies.report import StudyReport
    from rechroma.studies.runner import ArmStatus
    from rechroma.studies.spec import Arm, Study


PARAMS, STUDIES = Path("params.yaml"), Path("studies.yaml")
REPORTS = Path("reports/studies")

STUDY = """\
Trains every arm of a comparison named in studies.yaml: each becomes an experiment in DVC's queue
and a run in MLflow. A training that MLflow already has, of this study or another, is not run again;
what was interrupted goes on where it was. Ctrl-C ends only the watching.

  rechroma study                                   the studies there are
  rechroma study optimizers --dry-run              what would be run
  rechroma study losses --seeds 1 2 3
  rechroma study losses -S data.source=photos -S data.path=/path/to/photos
"""
COMPARE = """\
Sets the finished trainings of a study side by side, or any in MLflow: a table with the spread over
seeds, learning curves, and one photograph restored by every arm; also in MLflow, under a run of its
own. With --photos every model is judged on the same photographs, damaged as params.yaml says.

  rechroma compare optimizers                      reports/studies/optimizers.md .csv .png
  rechroma compare losses --photos album/ --size 512
  rechroma compare --filter "params.optim = 'lion'" --name lion
"""


def add_to(add: Add) -> None:
    """Add both commands."""
    study = add("study", "run a named comparison", STUDY, _study)
    study.add_argument("name", nargs="?", metavar="NAME", help="of studies.yaml")
    study.add_argument(
        "-S",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="for all arms, repeatable; an arm's own settings win",
    )
    study.add_argument("--seeds", nargs="+", type=int, default=[], metavar="N")
    study.add_argument(
        "--workers", type=int, metavar="N", help="arms at once; default: one for each GPU, or one"
    )
    study.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    study.add_argument("--retry", action="store_true", help="also the arms that failed")
    study.add_argument(
        "--again", action="store_true", help="also the arms that are done, as after a code change"
    )

    compare = add("compare", "set trainings side by side", COMPARE, _compare)
    compare.add_argument("name", nargs="?", metavar="NAME", help="a study that was run here")
    compare.add_argument("--filter", metavar="EXPR", help="MLflow's, instead of a study")
    compare.add_argument("--name", dest="title", metavar="NAME", help="of the files, with --filter")
    compare.add_argument("--photos", type=Path, metavar="DIR", help="in color, to judge models on")
    compare.add_argument("--size", type=int, metavar="PX", help="squares; default: data.size")
    compare.add_argument("--limit", type=int, metavar="N", help="photographs, at most")
    compare.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"default: {REPORTS}"
    )


def _study(chosen: argparse.Namespace) -> int:
    from rechroma.settings import read_yaml
    from rechroma.studies.spec import choose_study, load_studies, plan_study

    known = load_studies(STUDIES)
    if chosen.name is None:
        for name, each in known.items():
            print(f"{name:16} {len(each.arms):2} arms, seeds {_join(each.seeds)}: {each.about}")
        return 0
    study = choose_study(known, chosen.name)
    arms = plan_study(study, read_yaml(PARAMS), chosen.settings, chosen.seeds)
    if chosen.dry_run:
        return _print_plan(chosen, study, arms)
    return _run(chosen, arms)


def _run(chosen: argparse.Namespace, arms: "list[Arm]") -> int:
    from rechroma.settings import load_settings
    from rechroma.studies.dvc_queue import Queue
    from rechroma.studies.runner import arm_statuses, default_workers, enqueue, plan_file, watch
    from rechroma.studies.spec import write_plan
    from rechroma.tracking.queries import find_trainings
    from rechroma.tracking.store import connect

    root = Path.cwd()
    queue = Queue(root)
    client = connect(root)
    experiment = load_settings(PARAMS).tracking.experiment
    plan = plan_file(root, chosen.name)
    since = round(time.time() * 1000) if chosen.again else _since(plan)
    write_plan(arms, since, plan)
    workers, gpus = default_workers()
    workers = chosen.workers or workers

    def look() -> "list[ArmStatus]":
        states = queue.states()
        if any(states.get(arm.experiment(chosen.name)) == "Queued" for arm in arms):
            queue.start(workers, gpus)
        runs = find_trainings(client, experiment)
        return arm_statuses(chosen.name, arms, runs, states, since)

    try:
        enqueue(queue, look(), chosen.retry, chosen.again, _log)
        found = watch(look, client, workers, _log)
    except KeyboardInterrupt:
        _log(
            "stopped watching; the workers go on. `dvc queue stop --kill` stops them, "
            f"`rechroma study {chosen.name}` goes on"
        )
        return 130
    return _report(chosen.name, found)


def _compare(chosen: argparse.Namespace) -> int:
    from rechroma.settings import load_settings
    from rechroma.studies.report import log_report, write_report
    from rechroma.tracking.runs import comparison_run
    from rechroma.tracking.store import connect

    if bool(chosen.name) == bool(chosen.filter):
        raise UserError("expected a study's name, or --filter: one of both")
    settings = load_settings(PARAMS)
    root = Path.cwd()
    client = connect(root)
    found = _find_trainings(chosen, client, settings.tracking.experiment)
    if chosen.photos:
        found = _score_photos(chosen, found, client, settings)
    files = write_report(found, chosen.out)
    with comparison_run(client, settings.tracking.experiment, root, found.name) as run:
        log_report(found, files, run)
    print(files[0].read_text(encoding="utf-8"), end="")
    _log("written: " + ", ".join(map(str, files)))
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
        found = StudyReport(name, about, filtered_trainings(client, runs))
    else:
        name = chosen.name
        about = choose_study(load_studies(STUDIES), name).about
        arms, since = read_plan(plan_file(Path.cwd(), name))
        runs = find_trainings(client, experiment)
        found = StudyReport(name, about, *study_trainings(client, arms, runs, since))
    if not found.trained:
        raise UserError(f"{name}: MLflow holds no finished training of it")
    return found


def _score_photos(
    chosen: argparse.Namespace, found: "StudyReport", client: "MlflowClient", settings: "Settings"
) -> "StudyReport":
    from rechroma.deployment.load import load_model
    from rechroma.evaluation.compare import score_models
    from rechroma.studies.results import photo_score_table
    from rechroma.tracking.queries import model_folder

    photographs, _ = damaged_photographs(chosen.photos, chosen.size, settings)
    photographs = photographs[: chosen.limit]
    models = {each.name: load_model(model_folder(client, each.run)) for each in found.trained}
    scores, rows = score_models(photographs, models, shown=1)
    names = ["damaged", *models, "truth"]
    # One seed of each arm is enough to look at.
    seed = found.trained[0].seed
    shown = {each.name: each.arm for each in found.trained if each.seed == seed}
    pictures = {
        shown.get(name, name): picture
        for name, picture in zip(names, rows[0], strict=True)
        if name in shown or name in ("damaged", "truth")
    }
    size = chosen.size or settings.data.size
    return found._replace(
        photo_scores=photo_score_table(found.trained, scores, settings.evaluate, settings.seed),
        heading=f"{len(photographs)} photographs of {chosen.photos}, {size} px",
        pictures=pictures,
    )


def _since(plan: Path) -> int:
    from rechroma.studies.spec import read_plan

    try:
        return read_plan(plan)[1]
    except UserError:
        return 0


def _report(name: str, found: "list[ArmStatus]") -> int:
    lost = [each for each in found if each.stage != "done"]
    for each in lost:
        _log(f"{each.experiment} did not end; see `dvc queue logs {each.experiment}`")
    _log(f"{len(found) - len(lost)}/{len(found)} done; the table: rechroma compare {name}")
    return 1 if lost else 0


def _print_plan(chosen: argparse.Namespace, study: "Study", arms: "list[Arm]") -> int:
    print(f"{chosen.name}: {study.about}")
    shared = [override for override in arms[0].overrides if _is_shared(override, arms)]
    print(f"all arms: {' '.join(shared)}")
    for arm in arms:
        own = [override for override in arm.overrides if override not in shared]
        print(f"  {arm.experiment(chosen.name)}  {' '.join(own)}")
    print(f"{len(arms)} trainings of {arms[0].samples} samples")
    return 0


def _is_shared(override: str, arms: "list[Arm]") -> bool:
    return all(override in arm.overrides for arm in arms)


def _join(numbers: "tuple[int, ...]") -> str:
    return ", ".join(map(str, numbers))


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
