"""An application that brings its own migrations, as math-museums does: Django itself makes the tables as owner and uses them as app."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootstrap.model import Wanted
from bootstrap.run import differences, ensure
from postgres.login import Login
from tests.fix_bootstrap import Wishes

ROOT = Path(__file__).resolve().parents[2]

TABLES = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_admin_log",
    "django_content_type",
    "django_migrations",
    "django_session",
}

USE = """
from datetime import timedelta
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction

visitors = Group.objects.create(name="visitors")
visitors.permissions.add(Permission.objects.get(codename="view_user"))
users = [User.objects.create_user(name, f"{name}@example.org", "a long password") for name in ("ada", "emmy")]
visitors.user_set.add(*users)
LogEntry.objects.create(
    user=users[0], content_type=ContentType.objects.get_for_model(User), object_id=users[1].pk, object_repr="emmy", action_flag=ADDITION
)
session = SessionStore()
session["concept"] = "group"
session.save()
assert SessionStore(session.session_key)["concept"] == "group"
assert authenticate(username="ada", password="a long password").has_perm("auth.view_user")
assert User.objects.filter(username="emmy").update(first_name="Emmy") == 1
with transaction.atomic():
    assert User.objects.select_for_update().get(username="emmy").first_name == "Emmy"
    User.objects.get(username="emmy").delete()
with connection.cursor() as cursor:
    cursor.execute("SELECT currval(pg_get_serial_sequence('auth_user', 'id'))")
    assert cursor.fetchone() == (users[1].pk,)
print(*User.objects.values_list("username", flat=True), LogEntry.objects.count())
"""


@dataclass(frozen=True)
class Site:
    """A Django site, and the database that was made for it."""

    wishes: Wishes
    wanted: Wanted

    def login(self, role: str) -> Login:
        return self.wishes.login(self.wanted, role)

    def django(self, role: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of Django's as a role. Warnings are errors there, too."""
        login = self.login(role)
        address = {"PGHOST": login.host, "PGPORT": str(login.port), "PGDATABASE": login.database}
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "django", *words, "--settings", "tests.django_site"],
            env={**os.environ, **address, "PGUSER": login.user, "PGPASSWORD": login.password},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def migrate(self) -> None:
        done = self.django("owner", "migrate", "--no-input")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def site(administrator: Login, wishes: Wishes) -> Site:
    """A site whose database has no table yet."""
    made = Site(wishes, wishes.new())
    ensure(administrator, made.wanted)
    return made


def test_what_the_owner_migrates_the_application_uses(site: Site, administrator: Login) -> None:
    site.migrate()
    with site.login("owner").connect() as session:
        rows = session.execute("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for name, _ in rows} == TABLES
    assert {owner for _, owner in rows} == {site.wanted.owner.name}
    used = site.django("app", "shell", "--no-imports", "-c", USE)
    assert (used.returncode, used.stdout, used.stderr) == (0, "ada 1\n", "")
    # Nothing that Django made differs from what the next update would make.
    assert differences(administrator, site.wanted) == ()


def test_the_application_sees_that_nothing_is_left_to_migrate(site: Site) -> None:
    site.migrate()
    checked = site.django("app", "migrate", "--check")
    assert checked.returncode == 0, checked.stderr
    assert site.django("app", "check", "--database", "default").returncode == 0


def test_the_application_migrates_nothing(site: Site) -> None:
    refused = site.django("app", "migrate", "--no-input")
    assert refused.returncode == 1
    assert "permission denied for schema public" in refused.stderr
    with site.login("owner").connect() as session:
        assert session.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_the_reader_reads_accounts_and_changes_none(site: Site) -> None:
    site.migrate()
    statement = "from django.contrib.auth.models import Group; print(Group.objects.count()); Group.objects.create(name='a')"
    read = site.django("readonly", "shell", "--no-imports", "-c", statement)
    assert (read.returncode, read.stdout) == (1, "0\n")
    assert "permission denied for table auth_group" in read.stderr
