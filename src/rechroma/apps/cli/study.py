"""`rechroma study`."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.paths import PARAMS, STUDIES
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.studies.runner import ArmStatus
    from rechroma.studies.spec import Arm, Study


STUDY = """\
Trains every arm of a study in studies.yaml: each becomes an experiment in DVC's queue and a run in
MLflow. A training that MLflow already has, of this study or another, is not run again; an
interrupted one is resumed. Ctrl-C ends the display only, the workers continue.

  rechroma study                                   list the studies
  rechroma study optimizers --dry-run              print the plan
  rechroma study losses --seeds 1 2 3
  rechroma study losses -S data.source=photos -S data.path=/path/to/photos
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    study = add_command("study", "run a study", STUDY, _study)
    study.add_argument("name", nargs="?", metavar="NAME", help="of a study in studies.yaml")
    study.add_argument(
        "-S",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of all arms; an arm's own settings take precedence; repeatable",
    )
    study.add_argument(
        "--seeds", nargs="+", type=int, default=[], metavar="N", help="instead of the study's"
    )
    study.add_argument(
        "--workers", type=int, metavar="N", help="parallel arms; default: one for each GPU, or one"
    )
    study.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    study.add_argument("--retry", action="store_true", help="also run arms that failed")
    study.add_argument(
        "--again", action="store_true", help="also run arms that are done, after a code change"
    )


def _study(chosen: argparse.Namespace) -> int:
    from rechroma.settings import read_yaml
    from rechroma.studies.spec import choose_study, load_studies, plan_study

    studies = load_studies(STUDIES)
    if chosen.name is None:
        for name, study in studies.items():
            print(f"{name:16} {len(study.arms):2} arms, seeds {_join(study.seeds)}: {study.about}")
        return 0
    study = choose_study(studies, chosen.name)
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

    def read_statuses() -> "list[ArmStatus]":
        states = queue.states()
        if any(states.get(arm.experiment(chosen.name)) == "Queued" for arm in arms):
            queue.start(workers, gpus)
        runs = find_trainings(client, experiment)
        return arm_statuses(chosen.name, arms, runs, states, since)

    try:
        enqueue(queue, read_statuses(), chosen.retry, chosen.again, _log)
        statuses = watch(read_statuses, client, workers, _log)
    except KeyboardInterrupt:
        _log(
            "stopped watching; the workers continue. `dvc queue stop --kill` stops them, "
            f"`rechroma study {chosen.name}` watches again"
        )
        return 130
    return _report(chosen.name, statuses)


def _since(plan: Path) -> int:
    from rechroma.studies.spec import read_plan

    try:
        return read_plan(plan)[1]
    except UserError:
        return 0


def _report(name: str, statuses: "list[ArmStatus]") -> int:
    failed = [status.experiment for status in statuses if status.stage != "done"]
    for experiment in failed:
        _log(f"{experiment} did not finish; see `dvc queue logs {experiment}`")
    done = len(statuses) - len(failed)
    _log(f"{done}/{len(statuses)} done; the table: rechroma compare {name}")
    return 1 if failed else 0


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
