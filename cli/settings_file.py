"""A settings file as an operator hands it over: wholly usable, or refused with every reason."""

from pathlib import Path

from domain.settings import Settings
from domain.settings_document import SettingsRefused, parse_settings


def usable_settings(path: Path, content: bytes) -> Settings:
    """The settings in a file's content. Raises ValueError naming the file and every problem."""
    try:
        return parse_settings(content)
    except SettingsRefused as refused:
        told = [f"{path} was refused:", *(f"  {problem}" for problem in refused.problems)]
        raise ValueError("\n".join(told)) from refused
