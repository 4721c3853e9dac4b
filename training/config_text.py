"""Write a training configuration as TOML that ``read_config`` reads back."""

from dataclasses import fields, is_dataclass
from datetime import date

from training.config import TrainingConfig


def config_toml(config: TrainingConfig) -> str:
    """Return the values of ``config`` that differ from the defaults, as TOML.

    Examples
    --------
    >>> print(config_toml(TrainingConfig(seed=7, features=("days_past_due",))), end="")
    seed = 7
    features = ["days_past_due"]
    """
    lines, sections = [], []
    for entry in fields(config):
        value, default = getattr(config, entry.name), getattr(TrainingConfig(), entry.name)
        if value == default:
            continue
        if is_dataclass(value):
            changed = [
                f"{part.name} = {_text(getattr(value, part.name))}"
                for part in fields(value)
                if getattr(value, part.name) != getattr(default, part.name)
            ]
            sections.append(f"\n[{entry.name}]\n" + "\n".join(changed))
        else:
            lines.append(f"{entry.name} = {_text(value)}")
    return "\n".join([*lines, *sections]).lstrip("\n") + "\n"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{name}"' for name in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return repr(value)
