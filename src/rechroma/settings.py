"""params.yaml, typed and strict: every setting of the pipeline, with the rules that bind them.

Nothing has a default here: every value stands in params.yaml, or beside a trained model.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from rechroma.errors import UserError, unknown

# Settings that do not change what training computes.
BESIDE_TRAINING: dict[str, bool | set[str]] = {
    "print_damage": True,
    "evaluate": True,
    "finder": True,
    "tracking": True,
    "train": {"workers"},
}

OF_FINDER = {"seed", "damage", "print_damage", "finder"}  # what a training of the finder depends on
Aim = Literal["eye", "score"]
AIMS: tuple[Aim, ...] = get_args(Aim)

STRIDE = 32  # px; networks work on heights and widths that are its multiples, tiles are no smaller

Holes = Literal["auto", "smooth", "texture"]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]


def _pair_from_text(value: Any) -> Any:
    """`"0.5, 0.999"` or `"0.5 0.999"` as the pair it means; anything else as it is."""
    return re.split(r"[,\s]+", value.strip(" []()")) if isinstance(value, str) else value


def _bool_from_text(value: Any) -> Any:
    """`"true"` or `"false"`, in any case, as the boolean it means; anything else as it is."""
    meant = {"true": True, "false": False}
    return meant.get(value.strip().lower(), value) if isinstance(value, str) else value


def _weights_by_new_name(value: Any) -> Any:
    """`bundled` was called `shipped` before."""
    return "bundled" if value == "shipped" else value


Betas = Annotated[
    tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]],
    BeforeValidator(_pair_from_text),
]


class _Strict(BaseModel):
    """Refuses keys it does not know; cannot be changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _check_ranges(group: _Strict, *names: str) -> None:
    for name in names:
        low, high = getattr(group, name)
        if low > high:
            raise ValueError(f"{name} is [{low}, {high}], expected the smaller number first")


class Data(_Strict):
    """Where photographs come from and how they are divided."""

    source: Literal["sample", "photos", "competition"]
    """Photographs inside scikit-image and scikit-learn, a folder, or the competition's archive."""
    path: Path
    """Folder (photos), or open.zip or its folder (competition); not read for sample."""
    size: Annotated[int, Field(ge=STRIDE)]
    """Side of the prepared tiles, px."""
    validation: Share
    """Share of the photographs for validation; whole groups only."""
    test: Share
    """Share of the photographs for the test; whole groups only."""
    held_out_limit: Positive
    """Photographs, at most, in validation and in test each."""
    rejected_limit: Share
    """Share of the files that may be skipped before the stage stops."""

    @model_validator(mode="after")
    def _leave_some_for_training(self) -> "Data":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on, lower them")
        return self


class Damage(_Strict):
    """What damage is drawn; lengths are shares of the photograph's shorter side."""

    rectangle: Annotated[float, Field(ge=0)]
    """Weight of rectangles among the kinds of damage; 0: none."""
    circle: Annotated[float, Field(ge=0)]
    """Weight of circles; 0: none."""
    polygon: Annotated[float, Field(ge=0)]
    """Weight of polygons; 0: none."""
    rectangle_side: tuple[Share, Share]
    """Shortest and longest side of a rectangle."""
    circle_diameter: tuple[Share, Share]
    """Smallest and largest diameter of a circle."""
    polygon_extent: tuple[Share, Share]
    """Smallest and largest side of a polygon's bounding box."""
    polygon_vertices: tuple[Annotated[int, Field(ge=3)], Annotated[int, Field(ge=3)]]
    """Fewest and most vertices; edges may cross, filled by the even-odd rule."""
    level: tuple[Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]]
    """Darkest and lightest gray of the filling, of 0…255."""
    holes: tuple[Positive, Positive]
    """Fewest and most shapes in one photograph, each of its own gray."""

    @model_validator(mode="after")
    def _check(self) -> "Damage":
        _check_ranges(
            self,
            *("rectangle_side", "circle_diameter", "polygon_extent", "polygon_vertices"),
            *("level", "holes"),
        )
        if self.rectangle + self.circle + self.polygon == 0:
            raise ValueError("rectangle, circle and polygon are all 0, give one of them a weight")
        return self


class PrintDamageSettings(_Strict):
    """Damage as real prints have it, which a network learns to find."""

    scratch: Weight
    """Weight of scratches; 0: none."""
    film_line: Weight
    """Weight of film lines, nearly upright and straight; 0: none."""
    crack: Weight
    """Weight of single cracks with branches; 0: none."""
    craquelure: Weight
    """Weight of nets of fine cracks; 0: none."""
    fold: Weight
    """Weight of folds across the print, shaded on both sides; 0: none."""
    hair: Weight
    """Weight of hairs and fibers; 0: none."""
    scribble: Weight
    """Weight of scribbles of a pen; 0: none."""
    spot: Weight
    """Weight of spots; 0: none."""
    dust: Weight
    """Weight of dust: many specks; 0: none."""
    tear: Weight
    """Weight of torn edges and corners, down to paper or to the scanner's lid; 0: none."""
    missing: Weight
    """Weight of missing pieces and flaked emulsion; 0: none."""
    blotch: Weight
    """Weight of blotches without a rim; 0: none."""
    water_stain: Weight
    """Weight of water stains with a rim; 0: none."""
    tape: Weight
    """Weight of tape, which is half transparent; 0: none."""
    fingerprint: Weight
    """Weight of fingerprints; 0: none."""
    damages: tuple[Positive, Positive]
    """Fewest and most damages of one photograph."""
    strength: tuple[Share, Share]
    """Weakest and strongest damage, from 0, hardly there, to 1."""
    undamaged: Share
    """Share of the photographs that stay undamaged."""
    aging: tuple[Share, Share]
    """Weakest and strongest aging and scanning, from 0, none, to 1."""

    @model_validator(mode="after")
    def _check(self) -> "PrintDamageSettings":
        _check_ranges(self, "damages", "strength", "aging")
        weights = [
            name
            for name, field in type(self).model_fields.items()
            if field.annotation is float and name != "undamaged"
        ]
        if not any(getattr(self, name) for name in weights):
            raise ValueError(
                f"{', '.join(weights[:-1])} and {weights[-1]} are all 0, give one of them a weight"
            )
        return self


class Model(_Strict):
    """The network and what it is shown and asked."""

    encoder: str
    """`plain`, or the name of an encoder of smp or timm."""
    decoder: str
    """`quarter`, `context`, or the name of a decoder of smp; not used by `plain`."""
    weights: Annotated[str, BeforeValidator(_weights_by_new_name)]
    """`bundled`, `none`, `imagenet`, or a .safetensors file."""
    frozen: bool
    """An encoder that starts with weights keeps them; from scratch it learns."""
    output: Literal["luma_chroma", "rgb", "chroma_bins"]
    """Luma and chroma, three RGB channels from a sigmoid (the reference report), or luma and the
    probability of each of 265 bins of chroma."""
    keep_gray: bool
    """Put the known gray back outside the damage, exactly."""
    fill: Literal["none", "push_pull", "telea", "soft_telea"]
    """What stands in the hole when the network looks."""
    mask: bool
    """The mask of the damage is an input channel."""
    hues: bool
    """The hue histogram of each cell of the photograph is predicted beside its colors."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of the features dropped in training before `quarter` predicts hues from them."""
    segmentation: bool
    """The decoder also segments the damage."""
    two_stage: bool
    """One network restores the gray, a second one colors it."""


class Train(_Strict):
    """The budget of a training and how it is spent."""

    epochs: Positive
    """Epochs, at most."""
    epoch_samples: Count
    """Samples that make an epoch; 0: every training photograph once."""
    views: Count
    """Epochs after which the samples repeat; a frozen encoder's features of them are kept on disk.
    0: never."""
    batch: Positive
    """Samples in a batch."""
    crop: Count
    """Side of the random crops of the prepared tiles, px; 0: the whole tile."""
    size: Count
    """Side to which tiles are reduced for the network, px; 0: as they are."""
    accumulate: Positive
    """Batches whose gradients make one step."""
    clip: Annotated[float, Field(ge=0)]
    """Largest norm of the gradient; 0: not clipped."""
    warmup: Share
    """Share of the epochs in which the learning rate climbs to its peak."""
    hole_weight: Annotated[float, Field(ge=0)]
    """How much more a lost pixel counts in mse and l1 than a known one."""
    rare_bins: Share
    """How far the loss term `bins` lets rare colors be predicted more often than they are, in favor
    of vivid photographs; 0: not at all."""
    ema: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the moving average of the weights, per step; 0: none."""
    patience: Count
    """Epochs without a better validation score before stopping; 0: never."""
    nonfinite_limit: Positive
    """Skipped steps in a row before the run ends."""
    validation_photos: Count
    """Photographs scored after each epoch, at most; 0: all of them."""
    workers: Count
    """Processes that draw samples; the samples do not depend on it."""
    device: Literal["auto", "cpu", "cuda", "mps"]
    """Where to compute; auto: a GPU where there is one."""
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
    """Number format of the training; auto: bfloat16 where it pays."""


class Discriminator(_Strict):
    """The PatchGAN behind the loss term `bce`."""

    channels: Positive
    """Channels of its first layer."""
    optim: str
    """Its optimizer: any of timm."""
    lr: Annotated[float, Field(gt=0)]
    """Its learning rate."""
    betas: Betas
    """Decay rates of its optimizer's moments."""


class Choices(NamedTuple):
    """What `restore.aim` and the settings beside it come to.

    Attributes:
        hues: whether the predicted hues are transferred to the colors.
        temperature: of the probabilities of `chroma_bins`.
        vividness: how far their colors are strengthened.
        holes: `smooth` or `texture`.
    """

    hues: bool
    temperature: float
    vividness: float
    holes: str


class Restore(_Strict):
    """How photographs are restored."""

    size: Annotated[int, Field(ge=64)]
    """Larger photographs are reduced to this longer side for the network, px."""
    aim: Aim
    """What restored photographs are for: `eye`, what people prefer, or `score`, the official
    score."""
    hues: Annotated[Literal["auto", True, False], BeforeValidator(_bool_from_text)]
    """The predicted hues are transferred to the colors; auto: for the aim `score` alone."""
    temperature: Annotated[float, Field(ge=0.05, le=10)]
    """Of the probabilities of `chroma_bins`, for the aim `eye`: 1 is their mean color, as for
    `score`, lower ones the likelier."""
    vividness: Share
    """How far colors of `chroma_bins` are strengthened where the likely ones agree in hue, for the
    aim `eye`; for `score` they are not."""

    holes: Holes
    """Holes get the mean of what may be in them, or the texture of what is around them; auto:
    texture for the aim `eye`."""

    @property
    def choices(self) -> Choices:
        """Each choice that the aim makes, unless a setting makes it.

        >>> given = dict(hues="auto", temperature=0.5, vividness=1, holes="auto")
        >>> Restore(size=64, aim="score", **given).choices
        Choices(hues=True, temperature=1.0, vividness=0.0, holes='smooth')
        """
        for_eye = self.aim == "eye"
        return Choices(
            hues=not for_eye if self.hues == "auto" else self.hues,
            temperature=self.temperature if for_eye else 1.0,
            vividness=self.vividness if for_eye else 0.0,
            holes=("texture" if for_eye else "smooth") if self.holes == "auto" else self.holes,
        )


class Finder(_Strict):
    """The network that finds damage as prints have it, and its training."""

    encoder: str
    """`compact`, or the name of an encoder of smp or timm."""
    decoder: str
    """The name of a decoder of smp; not used by `compact`."""
    channels: Annotated[tuple[Positive, ...], Field(min_length=2, max_length=6)]
    """Channels of each scale, finest first; the U-Nets of smp use the first five at most."""
    weights: str
    """Starting weights: `none`, or a .safetensors file of such a network."""
    optim: str
    """Any optimizer of timm."""
    lr: Annotated[float, Field(gt=0)]
    """Peak learning rate of the cosine schedule."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Weight decay of the optimizer."""
    warmup: Share
    """Share of the training in which the learning rate climbs to its peak."""
    samples: Count
    """Samples of the whole training; 0: none, the bundled finder is taken."""
    batch: Positive
    """Samples in a batch."""
    crop: Annotated[int, Field(ge=STRIDE, multiple_of=STRIDE)]
    """Side of the samples, px."""
    zoom: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """Least and most that a crop is enlarged; where it is larger, photographs lie side by side."""
    distractors: Share
    """Share of the samples with what looks like damage and is none: captions, borders, wires."""
    shapes: Share
    """Share of the samples with holes of one gray (`damage`), mostly JPEG, instead of a print's."""
    dice: Annotated[float, Field(ge=0)]
    """Weight of the Dice loss beside cross-entropy."""
    clip: Annotated[float, Field(ge=0)]
    """Largest norm of the gradient; 0: not clipped."""
    ema: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the moving average of the weights, per step; 0: none."""
    freeze_norm: Share
    """Share of the training after which the statistics of batch normalization stay."""
    report_every: Positive
    """Samples between two reports, each with a checkpoint."""
    validation: Positive
    """Photographs that are kept back for the reports."""

    @model_validator(mode="after")
    def _check(self) -> "Finder":
        _check_ranges(self, "zoom")
        return self


class Evaluate(_Strict):
    """How a trained model is evaluated."""

    resamples: Annotated[int, Field(ge=100)]
    """Bootstrap resamples behind each interval."""
    confidence: Annotated[float, Field(gt=0, lt=1)]
    """Share of the bootstrap means that an interval covers."""
    appearance_photos: Count
    """Photographs whose appearance is measured, at most, evenly spread; 0: none."""
    strip_photos: Positive
    """Photographs in each strip: best, middle, worst."""


class Tracking(_Strict):
    """What is logged to MLflow."""

    experiment: str
    """Name of the MLflow experiment."""
    model: str
    """Name in MLflow's model registry."""
    strip_every: Count
    """Epochs between the pictures that are logged; 0: none."""


class Settings(_Strict):
    """All of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """All randomness comes from it."""
    optim: str
    """Any optimizer of timm: adam, adamw, sgd, rmsprop, nadam, radam, lion, muon, …"""
    lr: Annotated[float, Field(gt=0)]
    """Peak learning rate; from scratch (`model.weights=none`) use 1e-3."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Weight decay of the optimizer."""
    betas: Betas
    """Decay rates of the moments, for optimizers that have them; GANs like [0.5, 0.999]."""
    schedule: str
    """Of timm: cosine, tanh, step, multistep, poly, wsd, constant or none."""
    loss: str
    """Weighted sum of loss terms, such as `bce + 100*mse`."""
    augment: Literal["none", "flips", "crops", "full"]
    """Augmentation of the training photographs."""
    data: Data
    damage: Damage
    print_damage: PrintDamageSettings
    model: Model
    train: Train
    discriminator: Discriminator
    restore: Restore
    finder: Finder
    evaluate: Evaluate
    tracking: Tracking

    @model_validator(mode="after")
    def _squares_fit(self) -> "Settings":
        for name in ("crop", "size"):
            if getattr(self.train, name) > self.data.size:
                raise ValueError(
                    f"train.{name} is {getattr(self.train, name)} px, expected at most data.size, "
                    f"{self.data.size} px"
                )
        return self

    def flat(self) -> dict[str, Any]:
        """Every setting by its dotted name, as `dvc exp run -S` spells it."""
        return _flatten(self.model_dump(mode="json"))

    def identity(self) -> str:
        """16 hexadecimal digits that differ whenever a setting that training depends on differs."""
        chosen = self.model_dump(mode="json", exclude=BESIDE_TRAINING)
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """The names that settings know beside the one at `location`."""
    group: type[BaseModel] = Settings
    for name in location[:-1]:
        annotation = group.model_fields[str(name)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        group = annotation
    return list(group.model_fields)


def load_settings(path: Path) -> Settings:
    """The settings in the YAML file at `path`; every one must be there.

    Raises:
        UserError: the file is missing, no YAML, or a setting is unknown or out of its range.
    """
    return parse_settings(read_yaml(path), where=path.name)


def read_yaml(path: Path) -> dict[str, Any]:
    """What the YAML file at `path` holds, not yet checked as settings.

    Raises:
        UserError: the file is missing, or holds no YAML mapping.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing, expected the settings of the pipeline there") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path} holds no settings, expected lines like 'lr: 0.001'")
    return tree


def parse_settings(tree: dict[str, Any], where: str = "params.yaml") -> Settings:
    """The settings in `tree`, nested as in params.yaml; `where` names their origin in errors.

    Raises:
        UserError: a setting is unknown or out of its range.
    """
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
    location = first["loc"]
    name = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        raise unknown(f"{where}: a setting", name, _dotted(location, _fields_at(location)))
    if first["type"] == "missing":
        raise UserError(f"{where}: {name} is missing, expected a line for it")
    if first["type"] == "literal_error":
        choices = re.findall(r"\w+", first["ctx"]["expected"].replace(" or ", ", "))
        choices = [{"True": "true", "False": "false"}.get(each, each) for each in choices]
        raise unknown(f"{where}: {name}", str(first["input"]), choices)
    if first["type"] == "value_error":
        place = f"{name}." if name else ""
        raise UserError(f"{where}: {place}{first['ctx']['error']}")
    message = first["msg"][0].lower() + first["msg"][1:]
    raise UserError(f"{where}: {name} is {first['input']!r}: {message}")


def _dotted(location: tuple[int | str, ...], names: list[str]) -> list[str]:
    return [".".join([*map(str, location[:-1]), name]) for name in names]
