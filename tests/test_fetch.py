from __future__ import annotations

import hashlib
import io
import re
import socket
import stat
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from torchvision.datasets import OxfordIIITPet

from bench.data.fetch import CATS_VS_DOGS, fetch, fetch_archive
from bench.data.unpack import unpack_zip
from registry.errors import DataError


class _Server(ThreadingHTTPServer):
    """Serves files from memory on 127.0.0.1, byte ranges included, and notes what was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[tuple[str, str | None]] = []
        self.stop_after: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, send: bool) -> None:
        content = self.server.files.get(self.path)
        wanted = self.headers.get("Range")
        if send:
            self.server.asked.append((self.path, wanted))
        if content is None:
            self.send_error(404)
            return
        size, first, last = len(content), 0, len(content) - 1
        if wanted and (match := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)):
            first = int(match[1])
            last = min(int(match[2] or last), last)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if not send:
            return
        part = content[first : last + 1]
        if self.server.stop_after is not None and len(part) > self.server.stop_after:
            self.wfile.write(part[: self.server.stop_after])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(part)


@pytest.fixture
def server():
    """A server that ends with the test."""
    with _Server({}) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def _zip(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def _offer(server: _Server, content: bytes):
    server.files["/pets.zip"] = content
    return replace(
        CATS_VS_DOGS,
        name="pets",
        url=f"{server.address}/pets.zip",
        sha256=hashlib.sha256(content).hexdigest(),
        archive_bytes=len(content),
        unpacked_bytes=50_000_000,
    )


PETS = _zip({"PetImages/Cat/0.jpg": b"cat", "PetImages/Dog/0.jpg": b"dog"})


def test_a_set_is_fetched_checked_and_unpacked(server, tmp_path):
    """The class folders are there, the archive is gone."""
    folder = fetch_archive(_offer(server, PETS), tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == b"cat"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets"]


def test_a_second_fetch_asks_for_nothing(server, tmp_path):
    """What is there is not fetched again."""
    offer = _offer(server, PETS)
    fetch_archive(offer, tmp_path, progress=False)
    server.asked.clear()

    fetch_archive(offer, tmp_path, progress=False)

    assert server.asked == []


def test_an_interrupted_download_goes_on(server, tmp_path):
    """After a broken connection the second try asks for the missing bytes only."""
    big = np.random.default_rng(0).bytes(12_000_000)
    offer = _offer(server, _zip({"PetImages/Cat/0.jpg": big, "PetImages/Dog/0.jpg": b"dog"}))
    server.stop_after = 400_000
    with pytest.raises(DataError, match="goes on where it stopped"):
        fetch_archive(offer, tmp_path, progress=False)
    server.stop_after = None
    server.asked.clear()

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == big
    ranges = [re.findall(r"\d+", wanted) for _, wanted in server.asked if wanted]
    asked = sum(int(last) - int(first) + 1 for first, last in ranges)
    assert 0 < asked <= offer.archive_bytes - 400_000


def test_a_wrong_archive_is_refused(server, tmp_path):
    """Other bytes than expected are never unpacked, and the next try starts anew."""
    offer = replace(_offer(server, PETS), sha256="0" * 64)

    with pytest.raises(DataError, match=r"not what was expected: sha256 [0-9a-f]{64}, expected 00"):
        fetch_archive(offer, tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_one_clear_line(server, tmp_path):
    """A 404 is told with the address."""
    offer = replace(_offer(server, PETS), url=f"{server.address}/other.zip")

    with pytest.raises(DataError, match=r"could not fetch http://127\.0\.0\.1:\d+/other\.zip"):
        fetch_archive(offer, tmp_path, progress=False)


def test_no_network_is_one_clear_line(tmp_path):
    """Nobody listens: the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    offer = replace(CATS_VS_DOGS, url=f"http://127.0.0.1:{port}/a.zip", archive_bytes=1)

    with pytest.raises(DataError, match="check the network"):
        fetch_archive(offer, tmp_path, progress=False)


def test_a_full_disk_is_told_before_the_download(server, tmp_path):
    """Nothing is asked of the server where the data would not fit."""
    offer = replace(_offer(server, PETS), unpacked_bytes=10**18)

    with pytest.raises(DataError, match="GB free, the data needs"):
        fetch_archive(offer, tmp_path, progress=False)
    assert server.asked == []


def test_an_unknown_set_names_what_is_near(tmp_path):
    """A typing error is told with the name that was meant."""
    with pytest.raises(DataError, match="Did you mean 'cats-vs-dogs'"):
        fetch("cats-vs-dog", tmp_path)


@pytest.mark.parametrize("name", ["../out.jpg", "/out.jpg", "a/../../out.jpg", "C:\\out.jpg"])
def test_no_member_is_written_outside(tmp_path, name):
    """A path that leaves the folder is refused, and nothing is left behind."""
    (tmp_path / "a.zip").write_bytes(_zip({"ok.jpg": b"1", name: b"2"}))

    with pytest.raises(DataError, match="refused to unpack"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_a_link_is_refused(tmp_path):
    """A member that is a symbolic link could point anywhere."""
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")

    with pytest.raises(DataError, match="it is no regular file"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)


def test_a_bomb_is_stopped(tmp_path):
    """More bytes, or more files, than the set can hold are refused."""
    (tmp_path / "a.zip").write_bytes(_zip({"a.jpg": b"0" * 200, "b.jpg": b""}))

    with pytest.raises(DataError, match="unpacks to more bytes"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)
    with pytest.raises(DataError, match="holds 2 files, over 1"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=999, max_files=1)


def test_oxford_pets_are_sorted_by_species(server, tmp_path, monkeypatch):
    """Torchvision fetches and checks; capital names are cats, the others dogs."""
    archives = {
        "images.tar.gz": {"images/Birman_1.jpg": b"cat", "images/beagle_1.jpg": b"dog"},
        "annotations.tar.gz": {
            "annotations/trainval.txt": b"Birman_1 1 1 1\nbeagle_1 2 2 1\n",
            "annotations/test.txt": b"",
        },
    }
    resources = []
    for name, members in archives.items():
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for member, data in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        server.files[f"/{name}"] = content.getvalue()
        digest = hashlib.md5(content.getvalue()).hexdigest()
        resources.append((f"{server.address}/{name}", digest))
    monkeypatch.setattr(OxfordIIITPet, "_RESOURCES", resources)

    folder = fetch("oxford-iiit-pet", tmp_path)

    assert (folder / "Cat" / "Birman_1.jpg").read_bytes() == b"cat"
    assert (folder / "Dog" / "beagle_1.jpg").read_bytes() == b"dog"
