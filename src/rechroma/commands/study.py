"""`rechroma study` and `rechroma compare`."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.commands import Add
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.studies import Arm, Study
    from rechroma.studying import Standing

PARAMS, STUDIES = Path("params.yaml"), Path("studies.yaml")

STUDY = """\
Trains every arm of a comparison named in studies.yaml: each becomes an experiment in DVC's queue
and a run in MLflow. A training that MLflow already has, of this study or another, is not run again;
what was interrupted goes on where it was. Ctrl-C ends only the watching.

  rechroma study                                   the studies there are
  rechroma study optimizers --dry-run              what would be run
  rechroma study losses --seeds 1 2 3
  rechroma study losses -S data.source=photos -S data.path=/path/to/photos
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


def _study(chosen: argparse.Namespace) -> int:
    from rechroma import studies
    from rechroma.settings import read_tree

    known = studies.load(STUDIES)
    if chosen.name is None:
        for name, each in known.items():
            print(f"{name:16} {len(each.arms):2} arms, seeds {_listed(each.seeds)}: {each.about}")
        return 0
    study = studies.choose(known, chosen.name)
    arms = studies.plan(study, read_tree(PARAMS), chosen.settings, chosen.seeds)
    if chosen.dry_run:
        return _print_plan(chosen, study, arms)
    return _run(chosen, arms)


def _run(chosen: argparse.Namespace, arms: "list[Arm]") -> int:
    from rechroma import history, settings, studies, studying, tracking
    from rechroma.queueing import Queue

    root = Path.cwd()
    queue = Queue(root)
    client = tracking.connect(root)
    experiment = settings.load(PARAMS).tracking.experiment
    plan = studying.plan_file(root, chosen.name)
    since = round(time.time() * 1000) if chosen.again else _since(plan)
    studies.write_plan(arms, since, plan)
    workers, gpus = studying.default_workers()
    workers = chosen.workers or workers

    def look() -> "list[Standing]":
        states = queue.states()
        if any(states.get(arm.experiment(chosen.name)) == "Queued" for arm in arms):
            queue.start(workers, gpus)
        runs = history.trainings(client, experiment)
        return studying.standings(chosen.name, arms, runs, states, queue.workers() > 0, since)

    try:
        studying.enqueue(queue, look(), chosen.retry, chosen.again, _say)
        found = studying.watch(look, client, workers, _say)
    except KeyboardInterrupt:
        _say(
            "stopped watching; the workers go on. `dvc queue stop --kill` stops them, "
            f"`rechroma study {chosen.name}` goes on"
        )
        return 130
    return _report(chosen.name, found)


def _since(plan: Path) -> int:
    from rechroma import studies

    try:
        return studies.read_plan(plan)[1]
    except UserError:
        return 0


def _report(name: str, found: "list[Standing]") -> int:
    lost = [each for each in found if each.stage != "done"]
    for each in lost:
        _say(f"{each.experiment} did not end; see `dvc queue logs {each.experiment}`")
    _say(f"{len(found) - len(lost)}/{len(found)} done; the table: rechroma compare {name}")
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


def _listed(numbers: "tuple[int, ...]") -> str:
    return ", ".join(map(str, numbers))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
