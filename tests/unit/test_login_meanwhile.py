from __future__ import annotations

import pytest

from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_server import free_port


@pytest.fixture
def nobody() -> Login:
    return Login("127.0.0.1", free_port(), "postgres", "me", "secret", "disable")


def test_what_the_work_raises_comes_before_what_connecting_does(nobody: Login) -> None:
    def work() -> None:
        raise ValueError("files")

    with pytest.raises(ValueError, match="files"):
        nobody.connect_meanwhile(work)


def test_a_session_that_is_not_to_be_had_is_told_once_the_work_is_done(nobody: Login) -> None:
    done = []
    with pytest.raises(ConnectionFailed, match="Connection refused"):
        nobody.connect_meanwhile(lambda: done.append("work"))
    assert done == ["work"]
