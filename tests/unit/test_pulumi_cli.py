from __future__ import annotations

import hashlib
import io
import os
import platform
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit import places
from toolchain import acquire, golang, paths, pulumi_cli, versions
from toolchain.errors import ToolchainError

NEW = "echo v3.255.0"


def archive(**files: bytes) -> bytes:
    """A release archive with the given files, `__` in their names standing for `/`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


RELEASE = archive(pulumi__pulumi=b"the program", pulumi__pulumi_language=b"the host")
NAME = "pulumi-v3.255.0-linux-x64.tar.gz"


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout that never had a toolchain, on a Linux machine, with a release site that refuses connections."""
    root = places.move(monkeypatch, tmp_path)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(versions, "PULUMI", "3.255.0")
    monkeypatch.setattr(versions, "PULUMI_MINIMUM", (3, 255, 0))
    monkeypatch.setattr(versions, "PULUMI_SHA256", {"linux-x64": hashlib.sha256(RELEASE).hexdigest()})
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(versions, "PULUMI_RELEASES", f"http://127.0.0.1:{closed.getsockname()[1]}/releases")
    return root


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A release site on loopback; put name → content into it."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.removeprefix("/releases/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(versions, "PULUMI_RELEASES", f"http://127.0.0.1:{server.server_port}/releases")
        yield files
        server.shutdown()
        thread.join()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replaces the build by one that makes empty programs at once; returns the targets it was asked for."""
    asked: list[Path] = []

    def build(target: Path) -> None:
        asked.append(target)
        target.mkdir(parents=True)
        for name in ("pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
            places.program(target / name, NEW)

    monkeypatch.setattr(acquire, "build", build)
    return asked


def on_path(tmp_path: Path, text: str = NEW) -> Path:
    return places.program(tmp_path / "path" / "pulumi", text)


def kept() -> list[str]:
    """Everything below the cache, hidden files too."""
    return sorted(str(path.relative_to(paths.cache())) for path in paths.cache().rglob("*"))


# The order of the look-ups


def test_a_cli_on_path_that_is_new_enough_is_used(tmp_path: Path, builds: list[Path]) -> None:
    on_path(tmp_path)
    assert pulumi_cli.ensure() == tmp_path / "path"
    assert (builds, paths.cache().exists()) == ([], False)


@pytest.mark.parametrize("printed", ["echo v3.255.0", "echo 3.255.0", "echo v3.300.1-alpha.2", "echo v10.0.0"])
def test_versions_that_are_new_enough(tmp_path: Path, printed: str) -> None:
    on_path(tmp_path, printed)
    assert pulumi_cli.ensure() == tmp_path / "path"


@pytest.mark.parametrize(
    ("printed", "version"), [("echo v3.254.9", "3.254.9"), ("echo v2.300.0", "2.300.0"), ("exit 1", "unknown"), ("echo hello", "hello")]
)
def test_a_cli_on_path_that_is_too_old_is_passed_over_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], builds: list[Path], printed: str, version: str
) -> None:
    old = on_path(tmp_path, printed)
    released = places.program(paths.cache() / "pulumi-3.255.0" / "pulumi", NEW).parent
    assert pulumi_cli.ensure() == released
    assert capsys.readouterr().err == f"  {old} is version {version}, older than 3.255.0: using another\n"
    assert builds == []


def test_a_file_on_path_that_cannot_be_run_is_passed_over(tmp_path: Path) -> None:
    """As after a download for another processor: the system refuses to execute it."""
    file = on_path(tmp_path)
    file.write_bytes(b"\x7fELF of another machine")
    released = places.program(paths.cache() / "pulumi-3.255.0" / "pulumi", NEW).parent
    assert pulumi_cli.ensure() == released


def test_a_cli_on_path_is_asked_for_its_version_once(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    file = on_path(tmp_path, f"echo asked >> {asked}\n{NEW}")
    for _ in range(3):
        pulumi_cli.ensure()
    assert asked.read_text() == "asked\n"
    file.write_text(f"{file.read_text()}\n# another build\n")
    pulumi_cli.ensure()
    assert asked.read_text() == "asked\nasked\n"


def test_our_own_folder_on_path_is_not_the_users(monkeypatch: pytest.MonkeyPatch, builds: list[Path]) -> None:
    places.program(paths.BIN / "pulumi", NEW)
    monkeypatch.setenv("PATH", str(paths.BIN))
    assert pulumi_cli.ensure() == paths.BIN
    assert builds == [paths.cache() / "pulumi-3.255.0-built"]


@pytest.mark.usefixtures("builds")
def test_a_release_that_was_downloaded_before_is_used(site: dict[str, bytes]) -> None:
    site[NAME] = RELEASE
    released = paths.cache() / "pulumi-3.255.0"
    assert pulumi_cli.ensure() == released
    site.clear()
    assert pulumi_cli.ensure() == released


def test_a_build_of_an_earlier_run_is_used_without_a_download(builds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    acquire.build(paths.cache() / "pulumi-3.255.0-built")
    builds.clear()
    assert pulumi_cli.ensure() == paths.BIN
    assert (builds, capsys.readouterr().err) == ([], "")


def test_a_download_that_is_refused_makes_way_for_the_build(builds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert pulumi_cli.ensure() == paths.BIN
    assert builds == [paths.cache() / "pulumi-3.255.0-built"]
    assert capsys.readouterr().err.startswith(f"  no download from {versions.PULUMI_RELEASES} (")
    assert os.access(paths.BIN / "pulumi", os.X_OK)


@pytest.mark.usefixtures("site")
def test_a_release_that_is_not_there_makes_way_for_the_build(builds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert pulumi_cli.ensure() == paths.BIN
    assert len(builds) == 1
    assert "(Not Found)" in capsys.readouterr().err


def test_a_processor_without_a_release_makes_way_for_the_build(monkeypatch: pytest.MonkeyPatch, builds: list[Path]) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert pulumi_cli.ensure() == paths.BIN
    assert len(builds) == 1


def test_an_answer_that_is_no_http_makes_way_for_the_build(monkeypatch: pytest.MonkeyPatch, builds: list[Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"please log in to this network first\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setattr(versions, "PULUMI_RELEASES", f"http://127.0.0.1:{server.getsockname()[1]}")
        try:
            assert pulumi_cli.ensure() == paths.BIN
        finally:
            thread.join()
    assert len(builds) == 1


# The download


def test_a_release_is_unpacked_when_its_checksum_is_right(site: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> None:
    site[NAME] = RELEASE
    target = paths.cache() / "pulumi-3.255.0"
    acquire.download(target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == {"pulumi": b"the program", "pulumi_language": b"the host"}
    assert os.access(target / "pulumi", os.X_OK)
    assert capsys.readouterr().err == f"  downloading {NAME}\n"
    assert kept() == ["pulumi-3.255.0", "pulumi-3.255.0/pulumi", "pulumi-3.255.0/pulumi_language"]


@pytest.mark.parametrize("served", [RELEASE[:-10], RELEASE + b"x", b"", archive(pulumi__pulumi=b"evil")])
def test_an_archive_with_another_checksum_is_thrown_away(site: dict[str, bytes], builds: list[Path], served: bytes) -> None:
    site[NAME] = served
    with pytest.raises(ToolchainError) as caught:
        pulumi_cli.ensure()
    assert str(caught.value) == (
        f"{NAME} has the SHA-256 {hashlib.sha256(served).hexdigest()}, not {hashlib.sha256(RELEASE).hexdigest()}: it was thrown away.\n"
        "Try again; if it stays so, install Pulumi yourself and put it on PATH."
    )
    assert (builds, kept()) == ([], [])


def test_a_platform_without_a_pin_uses_the_releases_own_list(monkeypatch: pytest.MonkeyPatch, site: dict[str, bytes]) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    name = "pulumi-v3.255.0-darwin-arm64.tar.gz"
    digest = hashlib.sha256(RELEASE).hexdigest()
    site[name] = RELEASE
    site["pulumi-3.255.0-checksums.txt"] = f"{'0' * 64}  {NAME}\n{digest}  {name}\n".encode()
    acquire.download(paths.cache() / "there")
    assert (paths.cache() / "there" / "pulumi").read_bytes() == b"the program"


def test_a_platform_that_the_list_does_not_name_is_an_error(monkeypatch: pytest.MonkeyPatch, site: dict[str, bytes]) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Plan9")
    site["pulumi-3.255.0-checksums.txt"] = b""
    with pytest.raises(ToolchainError) as caught:
        acquire.download(paths.cache() / "there")
    assert str(caught.value) == (f"{versions.PULUMI_RELEASES}/pulumi-3.255.0-checksums.txt does not list pulumi-v3.255.0-plan9-x64.tar.gz.")


def test_a_download_that_another_run_finished_first_is_no_error(site: dict[str, bytes]) -> None:
    site[NAME] = RELEASE
    target = paths.cache() / "pulumi-3.255.0"
    acquire.download(target)
    acquire.download(target)
    assert (target / "pulumi").read_bytes() == b"the program"


@pytest.mark.parametrize("name", ["..__evil", "pulumi__..__..__evil"])
def test_an_archive_that_would_write_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a.tar.gz"
    file.write_bytes(archive(**{name: b"evil"}))
    with pytest.raises(tarfile.OutsideDestinationError):
        acquire.unpack(file, tmp_path / "unpacked")
    assert not (tmp_path / "evil").exists()


def test_an_archive_with_a_link_to_the_outside_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        entry = tarfile.TarInfo("pulumi/link")
        entry.type, entry.linkname = tarfile.SYMTYPE, "../../evil"
        tar.addfile(entry)
    with pytest.raises(tarfile.LinkOutsideDestinationError):
        acquire.unpack(file, tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-x64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Linux", "AMD64", "linux-x64"),
    ],
)
def test_the_platform_in_the_name_of_an_archive(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert acquire.platform_name() == name


# The build and what is made of it


def test_a_build_lays_the_start_scripts_of_the_sdk_beside_the_cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    for name in versions.PULUMI_PROGRAMS_OF_THE_SDK:
        (sdk / name).parent.mkdir(parents=True)
        (sdk / name).write_text(name)
    asked: list[tuple[str, str, Path]] = []
    monkeypatch.setattr(golang, "module_directory", lambda *arguments: {("pulumi", acquire.SDK): sdk}[arguments])
    monkeypatch.setattr(golang, "build", lambda *arguments: asked.append(arguments))
    target = tmp_path / "built"
    acquire.build(target)
    assert asked == [("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", target / "pulumi")]
    assert {file.name: (file.read_text(), file.stat().st_mode & 0o777) for file in target.iterdir()} == {
        "pulumi-language-python-exec": ("python/cmd/pulumi-language-python-exec", 0o755),
        "pulumi-resource-pulumi-python": ("python/dist/pulumi-resource-pulumi-python", 0o755),
    }


def test_a_build_is_linked_with_a_launcher_of_the_language_host(tmp_path: Path, builds: list[Path]) -> None:
    built = tmp_path / "built"
    acquire.build(built)
    pulumi_cli.link(built)
    before = {file.name: file.stat() for file in paths.BIN.iterdir()}
    pulumi_cli.link(built)
    assert {file.name: file.stat() for file in paths.BIN.iterdir()} == before
    assert sorted(before) == ["pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"]
    assert before["pulumi"].st_ino == (built / "pulumi").stat().st_ino
    assert before["pulumi-language-python"].st_mode & 0o111 == 0o111
    assert str(paths.ROOT) in (paths.BIN / "pulumi-language-python").read_text()


@pytest.mark.parametrize("linked", [True, False])
def test_a_placed_program_follows_its_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, linked: bool) -> None:
    def refuse(_self: Path, _source: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    if not linked:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    source, target = places.program(tmp_path / "a", "one"), tmp_path / "b"
    pulumi_cli.place(source, target)
    assert (target.read_text(), target.stat().st_ino == source.stat().st_ino) == ("#!/bin/sh\none\n", linked)
    source.unlink()
    places.program(source, "another")
    pulumi_cli.place(source, target)
    assert (target.read_text(), os.access(target, os.X_OK)) == ("#!/bin/sh\nanother\n", True)
