"""Loads the fixture plug-ins, and closes a run by counting what it left out."""

import signal
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.fix_server",
    "tests.fix_stack",
    "tests.fix_cluster",
    "tests.fix_bootstrap",
    "tests.fix_migrations",
    "tests.fix_tools",
    "tests.fix_tls",
    "tests.fix_peers",
    "tests.fix_proxy",
    "tests.fix_pgbouncer",
    "tests.fix_failures",
    "tests.fix_docker",
    "tests.fix_upgrade",
    "tests.fix_dev",
]

FOLDER = Path(__file__).parent


def pytest_configure() -> None:
    """Lets Ctrl-C through to the programs that tests start: whoever runs the tests in the background has had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every test that did not run, with the reason: an environment that lacks a part must be seen."""
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.section("left out")
    if not skipped:
        terminalreporter.line("nothing: every test ran")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.line(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fails a whole run in which a test file was not collected, as after a typing error in its name."""
    if session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS or session.config.option.keyword:
        return
    collected = {item.path for item in session.items}
    written = {path for path in FOLDER.rglob("*.py") if path.name.startswith("test")}
    if missing := sorted(str(path.relative_to(FOLDER)) for path in written - collected):
        raise pytest.UsageError(f"test files without a collected test: {', '.join(missing)}")
