"""studies.yaml: named comparisons of trainings, and the plan of each: its trainings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from rechroma.errors import UserError, unknown
from rechroma.outputs import write_json
from rechroma.settings import Settings, read_yaml
from rechroma.studies.overrides import apply_overrides

STUDIES = "studies.yaml"
# Part of the name of a DVC experiment, which is part of a Git reference.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]


def _flatten(value: Any) -> Any:
    """A nested list as one list, so that a YAML alias of a list can be among overrides."""
    if not isinstance(value, list):
        return value
    return [
        item
        for element in value
        for item in (_flatten(element) if isinstance(element, list) else [element])
    ]


Overrides = Annotated[tuple[str, ...], BeforeValidator(_flatten)]


class Study(BaseModel):
    """One comparison."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    """What is compared, in one line."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """Each arm is trained with each of them."""
    settings: Overrides = ()
    """Overrides of params.yaml for all arms; an arm's own come after them."""
    arms: Annotated[dict[Name, Overrides], Field(min_length=1)]
    """The overrides of each arm, by its name."""


class _File(BaseModel):
    """The content of studies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Overrides
    studies: Annotated[dict[Name, Study], Field(min_length=1)]


class Arm(NamedTuple):
    """One training of a study.

    Attributes:
        name: of the arm.
        seed: of the training.
        overrides: of params.yaml, as for `dvc exp run -S`.
        identity: of its settings, `Settings.identity`; the same settings in two studies are one
            training.
        epochs: of the training.
        samples: that it trains on, over all epochs.
    """

    name: str
    seed: int
    overrides: tuple[str, ...]
    identity: str
    epochs: int
    samples: int

    @property
    def unseeded(self) -> tuple[str, ...]:
        """The overrides without the seed."""
        return tuple(override for override in self.overrides if not override.startswith("seed="))

    def experiment(self, study: str) -> str:
        """The name of its DVC experiment."""
        return f"{study}-{self.name}-s{self.seed}-{self.identity[:6]}"


def load_studies(path: Path) -> dict[str, Study]:
    """The studies in the YAML file at `path`, by name.

    The overrides for all studies are put before those of each study.

    Raises:
        UserError: the file is missing, not YAML, or not of that form.
    """
    try:
        file = _File.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path.name}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from error
    return {
        name: study.model_copy(update={"settings": (*file.settings, *study.settings)})
        for name, study in file.studies.items()
    }


def choose_study(studies: Mapping[str, Study], name: str) -> Study:
    """The study called `name`.

    Raises:
        UserError: no study has this name.
    """
    if name not in studies:
        raise unknown(f"{STUDIES}: the study", name, studies)
    return studies[name]


def plan_study(
    study: Study, params: dict[str, Any], extra: Iterable[str] = (), seeds: Sequence[int] = ()
) -> list[Arm]:
    """The trainings of a study: all arms with the first seed, then all with the next one.

    Args:
        study: the comparison.
        params: the content of params.yaml.
        extra: overrides of all arms, after those of the study and before the arms' own.
        seeds: in place of the study's.

    Raises:
        UserError: an override is invalid, two arms have the same settings, or arms are trained on
            different numbers of samples.
    """
    arms = []
    for seed in seeds or study.seeds:
        for name, own in study.arms.items():
            overrides = _last_of_each((*study.settings, *extra, *own, f"seed={seed}"))
            settings = apply_overrides(params, overrides, f"{STUDIES}: {name}")
            arms.append(_arm(name, seed, overrides, settings))
    # The same training twice would compare a thing with itself.
    by_identity: dict[str, Arm] = {}
    for arm in arms:
        first = by_identity.setdefault(arm.identity, arm)
        if first is not arm:
            raise UserError(
                f"{STUDIES}: {first.name} and {arm.name} (seed {arm.seed}) have the same settings, "
                "expected each training once"
            )
    # A longer training would win by its length.
    if len({arm.samples for arm in arms}) > 1:
        samples = ", ".join(sorted({f"{arm.name}: {arm.samples}" for arm in arms}))
        raise UserError(
            f"{STUDIES}: expected all arms to be trained on the same number of samples, "
            f"found {samples}"
        )
    return arms


def _last_of_each(overrides: Iterable[str]) -> tuple[str, ...]:
    """Of several overrides of one setting, the last one."""
    return tuple({override.partition("=")[0].strip(): override for override in overrides}.values())


def _arm(name: str, seed: int, overrides: tuple[str, ...], settings: Settings) -> Arm:
    epochs = settings.train.epochs
    identity = settings.identity()
    return Arm(name, seed, overrides, identity, epochs, epochs * settings.train.epoch_samples)


def write_plan(arms: Sequence[Arm], earliest_start: int, path: Path) -> None:
    """Write a study's plan, so that its trainings are found even if params.yaml changes.

    Arms already in the plan that differ from `arms` in the seed alone stay in it.

    Args:
        arms: of the study.
        earliest_start: ms since 1970; runs that started before it do not count.
        path: of the plan.
    """
    identities = {arm.identity for arm in arms}
    unseeded = {(arm.name, arm.unseeded) for arm in arms}
    earlier = read_plan(path)[0] if path.exists() else []
    kept = [
        arm
        for arm in earlier
        if arm.identity not in identities and (arm.name, arm.unseeded) in unseeded
    ]
    plan = {"since": earliest_start, "arms": [arm._asdict() for arm in (*kept, *arms)]}
    write_json(path, plan)


def read_plan(path: Path) -> tuple[list[Arm], int]:
    """The arms and the earliest start of the plan that `write_plan` wrote.

    Raises:
        UserError: the study was never started in this project.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path.stem} was never started here; start it: rechroma study {path.stem}"
        ) from None
    arms = [Arm(**{**arm, "overrides": tuple(arm["overrides"])}) for arm in plan["arms"]]
    return arms, plan["since"]
