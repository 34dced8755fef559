from __future__ import annotations

import hashlib
import io
import socket
import stat
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from torchvision.datasets import OxfordIIITPet

from bench.data.fetch import CATS_VS_DOGS, fetch, fetch_archive, unpack_zip
from registry.errors import DataError


class _Server(ThreadingHTTPServer):
    """Serves files from memory on 127.0.0.1, byte ranges included, and notes what was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[tuple[str, str | None]] = []
        self.stop_after: int | None = None
        self.knows_ranges = True
        self.etag: str | None = '"one"'

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        content = self.server.files.get(self.path)
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        if content is None:
            self.send_error(404)
            return
        size, first, last = len(content), 0, len(content) - 1
        same = self.headers.get("If-Range") in (None, self.server.etag)
        if wanted and same and self.server.knows_ranges:
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if first >= size:
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        part = content[first : last + 1]
        if self.server.stop_after is not None and len(part) > self.server.stop_after:
            self.wfile.write(part[: self.server.stop_after])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(part)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """127.0.0.1 is met directly, whatever proxy the machine has."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    """A server that ends with the test."""
    with _Server({}) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
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


def _leave_half(offer, content: bytes, folder, etag: str = '"one"') -> int:
    """Leave what a killed download leaves, and return how many bytes are there."""
    half = len(content) // 2
    (folder / f"{offer.name}.zip.part").write_bytes(content[:half])
    (folder / f"{offer.name}.zip.etag").write_text(etag)
    return half


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    """The tries after the first, and the next call, ask for the missing bytes only."""
    big = np.random.default_rng(0).bytes(2_000_000)
    offer = _offer(server, _zip({"PetImages/Cat/0.jpg": big, "PetImages/Dog/0.jpg": b"dog"}))
    server.stop_after = 400_000
    with pytest.raises(DataError, match="run the command again; the download resumes"):
        fetch_archive(offer, tmp_path, progress=False)
    server.stop_after = None

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == big
    starts = [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]
    assert [wanted for _, wanted in server.asked] == starts
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets"]


@pytest.mark.parametrize("etag", ['"one"', ""], ids=["etag", "no etag"])
def test_a_killed_download_goes_on(server, tmp_path, etag):
    """The half file that a killed process left is completed, with an ETag or without."""
    offer = _offer(server, PETS)
    server.etag = etag or None
    half = _leave_half(offer, PETS, tmp_path, etag)

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Dog" / "0.jpg").read_bytes() == b"dog"
    assert server.asked == [("/pets.zip", f"bytes={half}-")]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path):
    """Bytes of another version are dropped: If-Range makes the server send all of it."""
    offer = _offer(server, PETS)
    _leave_half(offer, b"x" * len(PETS), tmp_path, '"older"')

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == b"cat"


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    """A server that promises ranges and answers 200 costs one more download, not an error."""
    offer = _offer(server, PETS)
    server.knows_ranges = False
    _leave_half(offer, PETS, tmp_path)

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == b"cat"
    assert len(server.asked) == 1


def test_a_download_killed_at_its_very_end_is_used(server, tmp_path):
    """Where no byte is missing the server's 416 is no error."""
    offer = _offer(server, PETS)
    (tmp_path / "pets.zip.part").write_bytes(PETS)

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert (folder / "Cat" / "0.jpg").read_bytes() == b"cat"


def test_progress_leaves_stdout_alone(server, tmp_path, capsys):
    """The bar is on stderr, so that a script can read the folder's name."""
    fetch_archive(_offer(server, PETS), tmp_path, progress=True)

    said = capsys.readouterr()
    assert said.out == ""
    assert "pets.zip" in said.err


def test_a_foreign_folder_in_the_way_is_named(server, tmp_path):
    """A folder of the set's name that is not the set is neither used nor overwritten."""
    (tmp_path / "pets").mkdir()

    with pytest.raises(DataError, match="exists but holds no PetImages: move it away"):
        fetch_archive(_offer(server, PETS), tmp_path, progress=False)
    assert server.asked == []


def test_a_wrong_archive_is_refused(server, tmp_path):
    """Other bytes than expected are never unpacked, and the next try starts anew."""
    offer = replace(_offer(server, PETS), sha256="0" * 64)

    with pytest.raises(DataError, match=r"has the wrong sha256: [0-9a-f]{64}, expected 00"):
        fetch_archive(offer, tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_one_clear_line(server, tmp_path):
    """A 404 is told with the address, and is not put down to the network."""
    offer = replace(_offer(server, PETS), url=f"{server.address}/other.zip")

    with pytest.raises(DataError, match=r"/other\.zip: the server answered 404 Not Found: try"):
        fetch_archive(offer, tmp_path, progress=False)


def test_no_network_is_one_clear_line(tmp_path):
    """Nobody listens: the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    offer = replace(CATS_VS_DOGS, url=f"http://127.0.0.1:{port}/a.zip", archive_bytes=1)

    with pytest.raises(DataError, match=r"Connection refused: check the network") as caught:
        fetch_archive(offer, tmp_path, progress=False)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_before_the_download(server, tmp_path):
    """Nothing is asked of the server where the data would not fit."""
    offer = replace(_offer(server, PETS), unpacked_bytes=10**18)

    with pytest.raises(DataError, match="GB free, the data needs"):
        fetch_archive(offer, tmp_path, progress=False)
    assert server.asked == []


def test_what_is_there_needs_no_room_again(server, tmp_path, monkeypatch):
    """A download that goes on asks only for the room that it still takes."""
    offer = replace(_offer(server, PETS), unpacked_bytes=len(PETS))
    half = _leave_half(offer, PETS, tmp_path)
    free = SimpleNamespace(free=2 * len(PETS) - half)
    monkeypatch.setattr("bench.data.fetch.shutil.disk_usage", lambda _: free)

    folder = fetch_archive(offer, tmp_path, progress=False)

    assert folder.is_dir()


def test_a_folder_that_can_not_be_made_is_one_clear_line(server, tmp_path):
    """A file where the folder should be is no traceback."""
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match="could not create"):
        fetch_archive(_offer(server, PETS), tmp_path / "file" / "in", progress=False)


def test_a_folder_that_can_not_be_written_is_one_clear_line(server, tmp_path):
    """What stands in the way of the file that is written is told, without a traceback."""
    (tmp_path / "pets.zip.etag").mkdir()

    with pytest.raises(DataError, match="could not write to"):
        fetch_archive(_offer(server, PETS), tmp_path, progress=False)


def test_an_unknown_set_names_what_is_near(tmp_path):
    """A typing error is told with the name that was meant, and with all there are."""
    with pytest.raises(DataError, match=r"mean 'cats-vs-dogs'\? Known: cats.*oxford-iiit-pet"):
        fetch("cats-vs-dog", tmp_path)


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/out.jpg", "a/../../out.jpg", "C:\\out.jpg", "a/C:out"]
)
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

    with pytest.raises(DataError, match="it is not a regular file"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)


def test_a_bomb_is_stopped(tmp_path):
    """More bytes, or more files, than the set can hold are refused."""
    (tmp_path / "a.zip").write_bytes(_zip({"a.jpg": b"0" * 200, "b.jpg": b""}))

    with pytest.raises(DataError, match="declares more than 100 bytes"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)
    with pytest.raises(DataError, match="holds 2 files, over 1"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=999, max_files=1)


def test_a_member_that_declares_too_little_is_stopped(tmp_path):
    """What is written is never more than declared: the rest is no sound archive."""
    content = _zip({"a.jpg": b"0" * 5000})
    lying = content.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(lying)

    with pytest.raises(DataError, match="damaged"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_a_file_that_is_no_archive_is_one_clear_line(tmp_path):
    """A page of a hotel's network in the archive's place is told as damaged."""
    (tmp_path / "a.zip").write_bytes(b"<html>")

    with pytest.raises(DataError, match="is damaged"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "into", max_bytes=100, max_files=9)


@pytest.fixture
def oxford(server, monkeypatch):
    """A cat and a dog, offered as the two archives that torchvision knows."""
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
    return server


def test_oxford_pets_are_sorted_by_species(oxford, tmp_path):
    """Capital names are cats, the others dogs; nothing else is left."""
    folder = fetch("oxford-iiit-pet", tmp_path, progress=False)

    assert (folder / "Cat" / "Birman_1.jpg").read_bytes() == b"cat"
    assert (folder / "Dog" / "beagle_1.jpg").read_bytes() == b"dog"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["oxford-iiit-pet"]


def test_a_second_fetch_of_oxford_pets_asks_for_nothing(oxford, tmp_path):
    """What is there is not fetched again."""
    fetch("oxford-iiit-pet", tmp_path, progress=False)
    oxford.asked.clear()

    fetch("oxford-iiit-pet", tmp_path, progress=False)

    assert oxford.asked == []


def test_a_killed_download_of_oxford_pets_goes_on(oxford, tmp_path):
    """Half an archive is completed, and what was half unpacked is unpacked anew."""
    base = tmp_path / ".fetched" / "oxford-iiit-pet"
    (base / "images").mkdir(parents=True)
    (base / "annotations").mkdir()
    (base / "images.tar.gz.part").write_bytes(oxford.files["/images.tar.gz"][:50])

    folder = fetch("oxford-iiit-pet", tmp_path, progress=False)

    assert (folder / "Cat" / "Birman_1.jpg").read_bytes() == b"cat"
    assert oxford.asked[0] == ("/images.tar.gz", "bytes=50-")


def test_wrong_oxford_pets_are_refused(oxford, tmp_path):
    """Other bytes than torchvision's digest says are never unpacked."""
    oxford.files["/images.tar.gz"] += b"more"

    with pytest.raises(DataError, match=r"images\.tar\.gz has the wrong md5: [0-9a-f]{32}"):
        fetch("oxford-iiit-pet", tmp_path, progress=False)
    assert not list(tmp_path.rglob("*.jpg"))
