"""A browser without a window, for the tests of what has pages: the system's Chromium with its driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from tools.engine import packages
from tools.engine.errors import NoTestEngineError

PROGRAMS = ("chromium", "chromedriver")

PATIENCE = 30
"""Seconds that a page has to load."""

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--force-device-scale-factor=1",
    "--screen-info={1200x900}",
    "--window-size=1200,900",
    "--lang=en",
)


def lacking() -> list[str]:
    """The programs that are not here."""
    return packages.missing(PROGRAMS)


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    """A browser that knows nothing and nobody, until the end of the block.

    Args:
        profile: a folder that is not there yet, for what it keeps.

    Raises:
        NoTestEngineError: there is no Chromium, or no driver for it.
    """
    if missing := lacking():
        raise NoTestEngineError(f"There is no {' and no '.join(missing)}: `make test` installs them where it can.")
    options = ChromeOptions()
    options.binary_location = str(packages.which("chromium"))
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    driver = Chrome(options, ChromeService(str(packages.which("chromedriver"))))
    try:
        driver.set_page_load_timeout(PATIENCE)
        yield driver
    finally:
        driver.quit()
