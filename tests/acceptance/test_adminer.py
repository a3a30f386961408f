"""Adminer in a real browser: a person opens its page, logs in with a role of the outputs, and looks at a table."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from postgres.login import Login
from tests.fix_dev import DevStack, start_dev
from tests.fix_docker import TestEngine
from tests.fix_stack import ROOT
from tools.engine import NoTestEngineError
from tools.engine.browser import browser as start_browser

SCREENSHOTS = "PGSTACK_SCREENSHOTS"
"""A variable: set, this test makes the picture in docs/ anew."""

PICTURE = ROOT / "docs" / "images" / "adminer.png"
LARGEST = 150_000
TABLE = "orders"
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"


@pytest.fixture(scope="module")
def shop(open_folder: Path, docker_engine: TestEngine) -> Iterator[DevStack]:
    """A server with one application's database, and Adminer."""
    made = start_dev(open_folder / secrets.token_hex(4), docker_engine)
    made.configure(databases=[{"name": "usualstore", "format": "soda"}], docker={"redis": {"enabled": False}})
    try:
        made.make("up")
        yield made
    finally:
        made.end()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """What the browser keeps."""
    return tmp_path / "profile"


@pytest.fixture
def browser(profile: Path) -> Iterator[Chrome]:
    """A new browser."""
    try:
        with start_browser(profile) as driver:
            yield driver
    except NoTestEngineError as error:
        pytest.skip(str(error))


def field(browser: Chrome, name: str) -> WebElement:
    """A field of the login form."""
    return browser.find_element(By.NAME, f"auth[{name}]")


def log_in(browser: Chrome, url: str, login: Login, password: str) -> None:
    """Fills in Adminer's form as a person does; the server is there already."""
    browser.get(url)
    Select(field(browser, "driver")).select_by_visible_text("PostgreSQL")
    assert field(browser, "server").get_attribute("value") == "database"
    field(browser, "username").send_keys(login.user)
    field(browser, "password").send_keys(password)
    field(browser, "db").send_keys(login.database)
    browser.find_element(By.CSS_SELECTOR, "input[type=submit][value=Login]").click()


def texts(browser: Chrome, selector: str) -> list[str]:
    """What some elements say."""
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def names(login: Login, query: str) -> list[str]:
    with login.connect() as session:
        return [str(row[0]) for row in session.execute(query)]


def test_a_role_logs_in_and_sees_a_tables_columns(shop: DevStack, browser: Chrome, profile: Path) -> None:
    login = shop.login("usualstore")
    log_in(browser, shop.outputs()["adminer"]["url"], login, login.password)
    tables = names(login, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    assert len(tables) == 18
    assert sorted(texts(browser, "#tables a.structure")) == tables
    browser.find_element(By.LINK_TEXT, TABLE).click()
    assert f"Table: {TABLE}" in texts(browser, "h2")
    columns = names(login, COLUMNS)
    shown = [text.split()[0] for text in texts(browser, "#content table:first-of-type tbody tr")]
    assert [name for name in shown if name in columns] == columns
    assert login.password not in browser.page_source
    _, session = shop.container("adminer").exec_run(["sh", "-c", "cat /tmp/sess_*"])
    assert login.user.encode() in session
    assert login.password.encode() not in session
    if os.environ.get(SCREENSHOTS):
        take_picture(browser)
    browser.quit()
    kept = [file for file in profile.rglob("*") if file.is_file() and login.password.encode() in file.read_bytes()]
    assert kept == []


def test_a_wrong_password_is_refused(shop: DevStack, browser: Chrome) -> None:
    log_in(browser, shop.outputs()["adminer"]["url"], shop.login("usualstore"), "wrong")
    assert "password authentication failed" in " ".join(texts(browser, ".error"))
    assert texts(browser, "#tables a") == []


def test_the_picture_in_the_documentation_is_small() -> None:
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert PICTURE.stat().st_size < LARGEST


def take_picture(browser: Chrome) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(browser.get_screenshot_as_png())
