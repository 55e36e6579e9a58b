"""Settings with some of them changed, spelled as for `dvc exp run -S`: `optim=adam`."""

from collections.abc import Iterable
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rechroma.errors import UserError
from rechroma.settings import Settings, parse_settings


def apply_overrides(tree: dict[str, Any], overrides: Iterable[str], where: str) -> Settings:
    """The settings of params.yaml with some of them changed.

    Of several overrides of one setting, the last one counts.

    Args:
        tree: the content of params.yaml; it is not changed.
        overrides: `name=value`, a dotted name and a value in YAML.
        where: the origin of the overrides, at the start of messages.

    Raises:
        UserError: an override is not of that form, or a setting is unknown or out of its range.
    """
    settings = OmegaConf.create(tree)
    for override in overrides:
        name, equals, value = override.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UserError(f"{where}: '{override}' is no override, expected one like optim=adam")
        try:
            if OmegaConf.is_dict(OmegaConf.select(settings, name)):
                raise UserError(f"{where}: {name} has parts, change one of them: {name}.…=")
            settings.merge_with_dotlist([f"{name}={value}"])
        except (OmegaConfBaseException, yaml.YAMLError, KeyError) as error:
            raise UserError(f"{where}: '{override}' cannot be read as a setting") from error
    changed: dict[str, Any] = OmegaConf.to_container(settings)  # type: ignore[assignment]
    return parse_settings(changed, where)
