"""The site, built as `make docs` builds it."""

from __future__ import annotations

import shutil

from paths import ROOT, run_python


def _build(source, target):
    return run_python("-m", "sphinx", "--fail-on-warning", "--quiet", str(source), str(target))


def test_the_site_is_built_without_a_warning(tmp_path):
    """A dead link or anchor is a warning; each page of the sources is a page of the site."""
    done = _build(ROOT / "docs", tmp_path / "site")
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in ROOT.glob("docs/**/*.md")}
    built = {path.relative_to(tmp_path / "site").with_suffix("")
             for path in (tmp_path / "site").rglob("*.html")}  # fmt: skip

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert pages <= built


def test_a_dead_link_fails_the_build(tmp_path):
    """The liar: a page that links to a heading that no page has."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docs" / "tutorial.md").open("a") as page:
        page.write("\n[gone](how-to/pictures.md#no-such-heading)\n")

    assert _build(tmp_path / "docs", tmp_path / "site").returncode != 0
