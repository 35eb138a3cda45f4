"""A settings file as an operator hands it over: wholly usable, or refused with every reason."""

from pathlib import Path

from domain.settings import Settings
from domain.settings_document import SettingsRefused, parse_settings
from domain.settings_support import unsupported


def usable_settings(path: Path, content: bytes) -> Settings:
    """The settings in a file's content. Raises ValueError naming the file and every problem."""
    try:
        settings = parse_settings(content)
    except SettingsRefused as refused:
        told = [f"{path} was refused:", *(f"  {problem}" for problem in refused.problems)]
        raise ValueError("\n".join(told)) from refused
    flaws = unsupported(settings)
    if flaws:
        told = [f"{path} asks for what is not built yet:", *(f"  {flaw}" for flaw in flaws)]
        raise ValueError("\n".join(told))
    return settings
