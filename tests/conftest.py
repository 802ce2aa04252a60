"""The factors that ship, what was skipped at the end of a run, and properties without a deadline."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from . import programs

settings.register_profile("parcimetre", deadline=None)  # a busy machine would miss it
settings.load_profile("parcimetre")

END_TO_END = Path(__file__).parent / "end_to_end"
SLOW_FIXTURES = {"asked_for", "chromium", "debian", "debs", "rpm", "servers", "wheels"}  # make a test slow
NOT_APPLICABLE = "not applicable"  # begins the reason of a skip that no installation can avoid


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make test-all`."""
    parser.addoption(
        "--fail-on-skip",
        action="store_true",
        help=f"fail if any test was skipped, unless its reason begins with '{NOT_APPLICABLE}'",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark as slow what runs end to end, or needs a browser, another system, a server or built packages."""
    if item.path.is_relative_to(END_TO_END) or SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
        item.add_marker("slow")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that was to skip nothing."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not config.option.fail_on_skip or reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    if _avoidable(_skipped(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was skipped by reason, the most frequent first."""
    skipped = _skipped(terminalreporter)
    if not skipped:
        return
    fails = ", which fails this run" if config.option.fail_on_skip and _avoidable(skipped) else ""
    terminalreporter.section(f"{skipped.total()} skipped{fails}", sep="-")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"{count:5}  {reason}")


def _avoidable(skipped: Counter[str]) -> bool:
    """Whether an installation would avoid one of the skips."""
    return any(not reason.startswith(NOT_APPLICABLE) for reason in skipped)


def _skipped(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Return the number of skips (tests, or files skipped as a whole) by reason."""
    reports = reporter.stats.get("skipped", ())
    told = (
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in reports
    )
    return Counter(" ".join(reason.removeprefix("Skipped: ").split()) for reason in told)


@pytest.fixture(autouse=True, scope="session")
def programs_stopped() -> Iterator[None]:
    """End the process that forks programs after the last test."""
    yield
    programs.stop()


@pytest.fixture(scope="session")
def factors():
    """The shipped set."""
    from parcimetre_factors.tables.factor_set import load_factor_set

    return load_factor_set()
