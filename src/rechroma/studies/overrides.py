"""Settings with some of them changed, spelled as for `dvc exp run -S`: `optim=adam`.

The value of a setting that is a text may be typed as it is, `data.path=/photos/my album`. DVC's
own `-S` wants quotes around such a value, which are understood here too.
"""

import re
from collections.abc import Iterable
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rechroma.errors import UserError
from rechroma.settings import Settings, parse_settings

QUOTED = re.compile(r"""(?s)(["'])(.*)\1""")
# What DVC reads as this text without quotes, too.
PLAIN_TEXT = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z_/.][A-Za-z0-9_/.+*-]*")
SPECIAL = re.compile(r'(\\*)("|\$\{|$)')  # between quotes; backslashes count before these only


def apply_overrides(tree: dict[str, Any], overrides: Iterable[str], where: str) -> Settings:
    """The settings of params.yaml with some of them changed.

    Of several overrides of one setting, the last one counts.

    Args:
        tree: the content of params.yaml; it is not changed.
        overrides: `name=value`, a dotted name and a value: a text as it is or in quotes, or YAML.
        where: the origin of the overrides, at the start of messages.

    Raises:
        UserError: an override is not of that form, or a setting is unknown or out of its range.
    """
    settings = OmegaConf.create(tree)
    texts: dict[str, str] = {}  # beside the tree, in which `${` would refer to another setting
    for override in overrides:
        name, value = _split(override, where)
        if _is_text(tree, name):
            texts[name] = _unquote(value)
            continue
        try:
            if OmegaConf.is_dict(OmegaConf.select(settings, name)):
                raise UserError(f"{where}: {name} has parts, change one of them: {name}.…=")
            settings.merge_with_dotlist([f"{name}={value}"])
        except (OmegaConfBaseException, yaml.YAMLError, KeyError) as error:
            raise UserError(f"{where}: '{override}' cannot be read as a setting") from error
    changed: dict[str, Any] = OmegaConf.to_container(settings)  # type: ignore[assignment]
    for name, text in texts.items():
        *groups, last = name.split(".")
        branch = changed
        for group in groups:
            branch = branch[group]
        branch[last] = text
    return parse_settings(changed, where)


def quote_for_dvc(tree: dict[str, Any], override: str) -> str:
    """The override as `dvc exp run -S` must get it: in quotes where DVC would read something else.

    Args:
        tree: the content of params.yaml.
        override: as for `apply_overrides`.

    >>> quote_for_dvc({"path": "photos"}, "path=my album, 1950")
    'path="my album, 1950"'
    >>> quote_for_dvc({"path": "photos", "lr": 0.1}, "lr=1e-3")
    'lr=1e-3'
    """
    name, value = _split(override, "-S")
    is_text = _is_text(tree, name) and not PLAIN_TEXT.fullmatch(value)
    is_sweep = "," in value and not value.startswith(("[", "{"))
    if QUOTED.fullmatch(value) or not (is_text or is_sweep):
        return f"{name}={value}"
    # `"` and `${` get a backslash, and those before them are doubled.
    escaped = SPECIAL.sub(lambda at: at[1] * 2 + ("\\" + at[2] if at[2] else ""), value)
    return f'{name}="{escaped}"'


def _split(override: str, where: str) -> tuple[str, str]:
    """Name and value of an override.

    Raises:
        UserError: it has no name or no `=`.
    """
    name, equals, value = (part.strip() for part in override.partition("="))
    if not equals or not name:
        raise UserError(f"{where}: '{override}' is no override, expected one like optim=adam")
    return name, value


def _is_text(tree: dict[str, Any], name: str) -> bool:
    """Whether the setting called `name` is a text in `tree`."""
    value: Any = tree
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return isinstance(value, str)


def _unquote(value: str) -> str:
    """The text of a value, without quotes around it, as DVC reads them."""
    quoted = QUOTED.fullmatch(value)
    if not quoted:
        return value
    quote, text = quoted.groups()
    special = re.compile(rf"(\\+)({quote}|\$\{{|$)")
    return special.sub(lambda at: "\\" * (len(at[1]) // 2) + at[2], text)
