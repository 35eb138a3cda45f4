"""What settings may come to: the most they let groups commit, and what is probably not meant."""

from collections.abc import Iterator

import msgspec

from domain.settings import Settings
from domain.settings_ranges import Problem
from domain.settings_rules import warnings
from domain.worst_case import WorstCases, worst_cases


class SettingsOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """Shown beside settings wherever they are read or changed."""

    worst_cases: WorstCases
    warnings: tuple[Problem, ...]

    def told(self) -> Iterator[str]:
        """One line each for people."""
        yield from self.worst_cases.told()
        yield from (f"warning: {warning}" for warning in self.warnings)


def outlook_of(settings: Settings) -> SettingsOutlook:
    """The outlook of valid settings."""
    return SettingsOutlook(worst_cases=worst_cases(settings), warnings=warnings(settings))
