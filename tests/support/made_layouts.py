"""Random trees of folders, as people, cameras and systems name them; about a third readable."""

from __future__ import annotations

import os
import random
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
_SPLIT = {
    "train": (
        *("train", "Train", "training", "TRAIN", "training_set", "train-images", "train2"),
        *("Train_Images", "seg_train", "train2017", "trainset", "train data"),
    ),
    "val": ("val", "valid", "Validation", "dev", "val_set", "valid1", "val2017", "seg_val"),
    "test": ("test", "Test", "testing", "test1", "test_set", "TestData", "testset", "seg_test"),
}
_BAER = ("B\u00e4r", unicodedata.normalize("NFD", "B\u00e4r"))
_CLASSES = (
    *("cat", "Cat", "cats", "dog", "Dog", "dogs", "horse", "bus", "Bus", "car", "train"),
    *(*_BAER, "American Bulldog", "american_bulldog", "n02085620-Chihuahua", "contest", "validus"),
)
_APART = ("cat", "dog", "horse", "bus", "car", _BAER[0], "American Bulldog", "contest", "Fox")
_ODD = (
    *("$RECYCLE.BIN", "@eaDir", ".hidden", "__MACOSX", "lost+found", "images", "data", "Photos"),
    *(
        "annotations",
        "masks",
        "labels",
        "runs",
        "docs",
        "Files",
        "PetImages",
        "archive",
        "day1",
        "new folder",
    ),
)
_WRAPPERS = ("archive", "data", "images", "PetImages", "train", "dataset", "training_set", "pets")
_PLAIN = ("{}.jpg", "IMG_{}.jpg", "DSC0{}.JPG", "a1f3{}b2c4d5.png", "{}.jpeg", "{}.heic", "{}.webp")
_OTHERS = ("notes.txt", "Thumbs.db", "labels.csv", "readme.md", ".DS_Store", "{}.xml", "a1f3{}b2c4")


@dataclass(slots=True)
class Layout:
    """Folders, files and links, by relative path; a file is an image or text by its content."""

    folders: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)

    def build(self, root: Path) -> Path:
        """Make all of it below `root`; what cannot be made is left out."""
        root.mkdir(parents=True)
        for name in sorted(self.folders):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        for name, target in self.links.items():
            link = root / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(link):
                link.symlink_to(os.path.relpath(root / target, link.parent))
        self.set_mode(root, 0)
        return root

    def set_mode(self, root: Path, mode: int) -> None:
        """Shut folders, or open them again; root reads all, so that it shuts none."""
        for name in sorted(self.shut, reverse=not mode) if os.geteuid() else ():
            (root / name).chmod(mode)

    def told(self) -> list[str]:
        """Return all of it, in one list that a person can read."""
        links = [f"{name} -> {target}" for name, target in self.links.items()]
        shut = [f"{name}/ (shut)" for name in self.shut if os.geteuid()]
        return sorted([*(f"{name}/" for name in self.folders), *self.files, *links, *shut])


def made_layout(generator: random.Random) -> Layout:
    """Return a layout that is meant well, with up to three mutations, or pure chance."""
    layout = Layout()
    kind = generator.randrange(9)
    base = "".join(f"{generator.choice(_WRAPPERS)}/" for _ in range(generator.choice((0, 0, 1, 2))))
    if kind == 8:
        _chance(layout, generator, "", 0)
        return layout
    makers = (_folders, _folders, _flat, _split, _split, _split_within, _kaggle, _split)
    makers[kind](layout, generator, base, _some_classes(generator))
    for _ in range(generator.choice((0, 0, 1, 1, 2, 3))):
        _mutate(layout, generator)
    folders = _all_folders(layout)
    if folders and generator.random() < 0.05:
        layout.shut.add(generator.choice(folders))
    return layout


def _some_classes(generator: random.Random) -> list[str]:
    if generator.random() < 0.15:
        return [str(digit) for digit in range(generator.randint(2, 10))]
    if generator.random() < 0.15:
        return ["bus", "car", "train"]
    return generator.sample(_APART, generator.choice((2, 2, 3, 4)))


def _folders(layout: Layout, generator: random.Random, base: str, classes: list[str]) -> None:
    for name in classes:
        below = generator.choice(("", "", "", "sub/", "images/"))
        _images(layout, generator, f"{base}{name}/{below}")


def _flat(layout: Layout, generator: random.Random, base: str, classes: list[str]) -> None:
    between = generator.choice((".", "_", " ", "-", ""))
    for name in classes:
        for number in range(generator.randint(1, 3)):
            layout.files[f"{base}{name}{between}{number}.jpg"] = _JPEG


def _split(layout: Layout, generator: random.Random, base: str, classes: list[str]) -> None:
    parts = generator.choice((("train", "test"), ("train", "val", "test"), ("train", "val")))
    twice = generator.random() < 0.1
    inner = _flat if generator.random() < 0.2 else _folders
    for part in parts:
        name = generator.choice(_SPLIT[part])
        inner(layout, generator, f"{base}{name}/{f'{name}/' if twice else ''}", classes)


def _split_within(layout: Layout, generator: random.Random, base: str, classes: list[str]) -> None:
    parts = generator.choice((("train", "test"), ("train", "val", "test"), ("train", "val")))
    words = [generator.choice(_SPLIT[part]) for part in parts]
    for name in classes:
        for word in words:
            _images(layout, generator, f"{base}{name}/{word}/")


def _kaggle(layout: Layout, generator: random.Random, base: str, classes: list[str]) -> None:
    _flat(layout, generator, f"{base}{generator.choice(_SPLIT['train'])}/", classes)
    for number in range(3):
        layout.files[f"{base}{generator.choice(('test', 'test1'))}/{number}.jpg"] = _JPEG


def _images(layout: Layout, generator: random.Random, folder: str) -> None:
    for _ in range(generator.randint(1, 2)):
        _file(layout, generator, folder, generator.choice(_PLAIN))


def _file(layout: Layout, generator: random.Random, folder: str, name: str) -> None:
    is_text = name in _OTHERS and (name != "a1f3{}b2c4" or generator.random() < 0.5)
    name = name.format(generator.randrange(100, 1000))
    if f"{folder}{name}" not in layout.folders:
        layout.files[f"{folder}{name}"] = b"some text" if is_text else _JPEG


def _any_name(generator: random.Random) -> str:
    words = generator.choice(list(_SPLIT.values()))
    return generator.choice((generator.choice(words), *generator.choices(_CLASSES + _ODD, k=3)))


def _chance(layout: Layout, generator: random.Random, folder: str, depth: int) -> None:
    for _ in range(generator.choice((0, 0, 1, 3)) if depth else generator.choice((0, 0, 0, 2))):
        _any_file(layout, generator, folder)
    for _ in range(generator.choice((0, 1, 2, 3)) if depth < 4 else 0):
        name = f"{folder}{_any_name(generator)}"
        layout.folders.add(name)
        _chance(layout, generator, f"{name}/", depth + generator.choice((1, 2)))


def _any_file(layout: Layout, generator: random.Random, folder: str) -> None:
    numbered = f"{generator.choice(_CLASSES)}.{generator.randrange(9)}.jpg"
    name = generator.choice((numbered, generator.choice(_PLAIN), generator.choice(_OTHERS)))
    _file(layout, generator, folder, name)


def _mutate(layout: Layout, generator: random.Random) -> None:
    often = (_add_folder, _add_file, _rename, _lose, _link, _wrap_one)
    seldom = (_link_nowhere, _add_run, _add_folder_like_an_image, _add_file_like_an_image)
    generator.choice((*often, *often, _add_file, *seldom))(layout, generator)


def _all_folders(layout: Layout) -> list[str]:
    names = {*layout.folders}
    for path in layout.files:
        pieces = path.split("/")[:-1]
        names |= {"/".join(pieces[: end + 1]) for end in range(len(pieces))}
    return sorted(names)


def _place(layout: Layout, generator: random.Random) -> str:
    folders = _all_folders(layout)
    shallow = [name for name in folders if name.count("/") < 2]
    return generator.choice(["", "", *(f"{name}/" for name in shallow + folders)])


def _add_folder(layout: Layout, generator: random.Random) -> None:
    _put_folder(layout, generator, f"{_place(layout, generator)}{_any_name(generator)}")


def _put_folder(layout: Layout, generator: random.Random, name: str) -> None:
    """Add the folder `name`, with up to two files, unless a file has that name."""
    if name not in layout.files:
        layout.folders.add(name)
        for _ in range(generator.choice((0, 1, 2))):
            _any_file(layout, generator, f"{name}/")


def _add_file(layout: Layout, generator: random.Random) -> None:
    _any_file(layout, generator, _place(layout, generator))


def _rename(layout: Layout, generator: random.Random) -> None:
    folders = _all_folders(layout)
    if folders:
        old = generator.choice(folders)
        stem = old.rpartition("/")
        _move(layout, old, f"{stem[0]}{stem[1]}{_any_name(generator)}")


def _wrap_one(layout: Layout, generator: random.Random) -> None:
    folders = _all_folders(layout)
    if folders:
        old = generator.choice(folders)
        _move(layout, old, f"{old}/{generator.choice((_any_name(generator), old.split('/')[-1]))}")


def _move(layout: Layout, old: str, new: str) -> None:
    def moved(path: str) -> str:
        return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path

    layout.folders = {moved(path) for path in layout.folders}
    layout.files = {moved(path): content for path, content in layout.files.items()}


def _lose(layout: Layout, generator: random.Random) -> None:
    folders = _all_folders(layout)
    if folders:
        gone = generator.choice(folders)
        for path in [path for path in layout.files if path.startswith(f"{gone}/")]:
            del layout.files[path]
        if generator.random() < 0.5:
            layout.folders.add(gone)


def _link(layout: Layout, generator: random.Random) -> None:
    folders = _all_folders(layout)
    if folders:
        name = f"{_place(layout, generator)}{_any_name(generator)}"
        if name not in folders:
            layout.links[name] = generator.choice(folders)


def _link_nowhere(layout: Layout, generator: random.Random) -> None:
    name = generator.choice(("Fox", "notes.txt", "cat.5.jpg", "train", "docs", "a.Fox"))
    layout.links[f"{_place(layout, generator)}{name}"] = "nowhere"


def _add_run(layout: Layout, generator: random.Random) -> None:
    """Add what the program leaves: a run, or a folder of runs."""
    name = generator.choice(("runs", "Fox", "train", "images"))
    below = generator.choice(("", "0001/"))
    folder = f"{_place(layout, generator)}{name}/{below}"
    layout.files[f"{folder}run.db"] = b"SQLite format 3"
    for _ in range(generator.choice((0, 1, 2))):
        _any_file(layout, generator, generator.choice((folder, f"{folder}plots/")))


def _add_folder_like_an_image(layout: Layout, generator: random.Random) -> None:
    name = generator.choice(("Fox.jpg", "1.png", "cat.5.jpeg"))
    _put_folder(layout, generator, f"{_place(layout, generator)}{name}")


def _add_file_like_an_image(layout: Layout, generator: random.Random) -> None:
    """Add a file without suffix that starts as a JPEG, which is one, or may be any other."""
    word = generator.choice(("cat_7", "IMG_7", "LICENSE", "b2c4d6e8f0"))
    name = f"{_place(layout, generator)}{word}"
    if name not in _all_folders(layout):
        layout.files[name] = generator.choice((_JPEG, b"\xff\xd8\xff and some text"))
