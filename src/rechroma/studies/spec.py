"""studies.yaml: named comparisons, and the trainings each of them asks for."""

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
# A part of the name of a DVC experiment, which is one of a Git reference.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]


def _flatten(value: Any) -> Any:
    """Lists within a list dissolved, so that YAML anchors can stand among overrides."""
    if not isinstance(value, list):
        return value
    return [
        item for part in value for item in (_flatten(part) if isinstance(part, list) else [part])
    ]


Overrides = Annotated[tuple[str, ...], BeforeValidator(_flatten)]


class Study(BaseModel):
    """One comparison."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    """What is compared, in a line."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """Each arm is trained with each of them."""
    settings: Overrides = ()
    """Overrides of all arms, before their own."""
    arms: Annotated[dict[Name, Overrides], Field(min_length=1)]


class _File(BaseModel):
    """All of studies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Overrides
    studies: Annotated[dict[Name, Study], Field(min_length=1)]


class Arm(NamedTuple):
    """One training of a study.

    Attributes:
        name: of the arm.
        seed: of the training.
        overrides: of params.yaml, as for `dvc exp run -S`.
        identity: of its settings, `Settings.identity`; equal settings are one training, in
            whatever study.
        epochs: of the training.
        samples: that it sees.
    """

    name: str
    seed: int
    overrides: tuple[str, ...]
    identity: str
    epochs: int
    samples: int

    @property
    def unseeded(self) -> tuple[str, ...]:
        """Its overrides without the seed."""
        return tuple(override for override in self.overrides if not override.startswith("seed="))

    def experiment(self, study: str) -> str:
        """The name of its DVC experiment."""
        return f"{study}-{self.name}-s{self.seed}-{self.identity[:6]}"


def load_studies(path: Path) -> dict[str, Study]:
    """The studies in the YAML file at `path` by name, the settings of all put before their own.

    Raises:
        UserError: the file is missing, no YAML, or not of that form.
    """
    try:
        found = _File.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path.name}: {place}: {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from None
    return {
        name: study.model_copy(update={"settings": (*found.settings, *study.settings)})
        for name, study in found.studies.items()
    }


def choose_study(studies: Mapping[str, Study], name: str) -> Study:
    """The study called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in studies:
        raise unknown(f"{STUDIES}: the study", name, studies)
    return studies[name]


def plan_study(
    study: Study, params: dict[str, Any], extra: Iterable[str] = (), seeds: Sequence[int] = ()
) -> list[Arm]:
    """The trainings that `study` asks for, all arms with one seed before the next seed.

    Args:
        study: what is compared.
        params: params.yaml as read.
        extra: overrides of all arms, after those of the study and before the arms' own.
        seeds: instead of the study's.

    Raises:
        UserError: an override is no setting, two arms are the same training, or arms differ in the
            number of samples they see.
    """
    arms = []
    for seed in seeds or study.seeds:
        for name, own in study.arms.items():
            chosen = _last_of_each((*study.settings, *extra, *own, f"seed={seed}"))
            settings = apply_overrides(params, chosen, f"{STUDIES}: {name}")
            arms.append(_arm(name, seed, chosen, settings))
    twins: dict[str, Arm] = {}
    for arm in arms:
        twin = twins.setdefault(arm.identity, arm)
        if twin is not arm:
            raise UserError(
                f"{STUDIES}: {twin.name} and {arm.name} (seed {arm.seed}) have the same settings, "
                "expected each training once"
            )
    if len({arm.samples for arm in arms}) > 1:
        told = ", ".join(sorted({f"{arm.name}: {arm.samples}" for arm in arms}))
        raise UserError(f"{STUDIES}: arms see different numbers of samples, {told}")
    return arms


def _last_of_each(overrides: Iterable[str]) -> tuple[str, ...]:
    """Without overrides that a later one of the same setting undoes."""
    return tuple({override.partition("=")[0].strip(): override for override in overrides}.values())


def _arm(name: str, seed: int, overrides: tuple[str, ...], settings: Settings) -> Arm:
    epochs = settings.train.epochs
    identity = settings.identity()
    return Arm(name, seed, overrides, identity, epochs, epochs * settings.train.epoch_samples)


def write_plan(arms: Sequence[Arm], since: int, path: Path) -> None:
    """Keep what was planned, so that the results are found whatever becomes of params.yaml.

    Further seeds of the same arms that `path` holds stay there. `since` is a time in ms since 1970:
    runs that began earlier do not count.
    """
    known = {arm.identity for arm in arms}
    alike = {(arm.name, arm.unseeded) for arm in arms}
    earlier = read_plan(path)[0] if path.exists() else []
    kept = [
        arm for arm in earlier if arm.identity not in known and (arm.name, arm.unseeded) in alike
    ]
    arms = [*kept, *arms]
    write_json(path, {"since": since, "arms": [arm._asdict() for arm in arms]})


def read_plan(path: Path) -> tuple[list[Arm], int]:
    """What `write_plan` kept, and its `since`.

    Raises:
        UserError: the study was never started here.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path.stem} was never started here; start it: rechroma study {path.stem}"
        ) from None
    arms = [Arm(**{**arm, "overrides": tuple(arm["overrides"])}) for arm in found["arms"]]
    return arms, found["since"]
