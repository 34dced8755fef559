"""The page of a run as a browser has it: opened from a file, with the network off."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest
from made_followup import CANDIDATES, LIMITS, made_followup
from made_run import make_run

from bench.followup.limits import Limits
from bench.report.followup_file import Chooser, write_followup
from bench.runs.stored_runs import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.pages,
    pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine"),
]
_DESK, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_NAMES = ("lenet5", "lenet", "<script>alert(1)</script>", "alexnet")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a head."""
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where a page of four models lies, one of which has a script for a name."""
    folder = tmp_path_factory.mktemp("runs")
    path = make_run(folder, models=_NAMES, seeds=3)
    chooser = Chooser(candidates=CANDIDATES, **LIMITS)
    write_followup(path, made_followup(kind="choose", label="Ship", chooser=chooser, charts=()))
    write_followup(path, made_followup(galleries=()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.page.vega.FILE_FORMS", ())
        write_report(str(path), folder)
    return (path / "report.html").as_uri()


@pytest.fixture
def opened(browser):
    """Open a page in a context of its own; `said` and `asked` are what it told and asked for."""
    contexts = []

    def open_page(address, **options):
        context = browser.new_context(offline=True, **({"viewport": _DESK} | options))
        contexts.append(context)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("dialog", lambda dialog: page.said.append(dialog.message))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.wait_for_function("document.documentElement.dataset.drawn", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _column(page, place):
    return page.eval_on_selector_all(
        "table.comparison tbody tr", f"rows => rows.map(row => row.cells[{place}].dataset.value)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_DESK, _PHONE], ids=["desk", "phone"])
def test_the_page_is_quiet_whole_and_accessible(opened, address, viewport, scheme):
    """No word on the console, nothing asked for, all charts drawn, nothing serious for axe."""
    page = opened(address, viewport=viewport, color_scheme=scheme)
    outside = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    drawn = page.eval_on_selector_all(
        ".chart", "all => all.map(each => each.querySelectorAll('svg path, svg text').length)"
    )
    found = axe.Axe().run(page).response["violations"]
    bad = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert page.said == []
    assert outside == []
    assert len(drawn) == 9
    assert min(drawn) > 10
    assert bad == []
    assert overflow <= 0


def test_a_page_that_asks_is_caught(opened, tmp_path):
    """The liar: a picture from elsewhere, a script that fails, and grey on grey are noticed."""
    (tmp_path / "liar.html").write_text(
        "<!doctype html><title>liar</title><html data-drawn=0><img src='http://example.invalid/x'>"
        "<p style='color:#999;background:#aaa'>grey</p><script>nothing()</script>"
    )
    page = opened((tmp_path / "liar.html").as_uri())
    found = [each["id"] for each in axe.Axe().run(page).response["violations"]]

    assert "http://example.invalid/x" in page.asked
    assert any("nothing is not defined" in text for text in page.said)
    assert {"color-contrast", "image-alt"} <= set(found)


def test_each_column_sorts(opened, address):
    """Numbers as numbers, both ways; what has no value stays below; one heading tells how."""
    page = opened(address)
    page.locator("#all-columns").check()
    headings = page.locator("table.comparison thead th")
    for place in range(headings.count()):
        textual = headings.nth(place).evaluate("each => each.classList.contains('text')")
        orders = []
        for descending in (not textual, textual):
            headings.nth(place).locator("button").click()
            column = _column(page, place)
            values = [value for value in column if value]
            orders.append(values)
            keyed = [value if textual else float(value) for value in values]

            told = "descending" if descending else "ascending"
            assert headings.nth(place).get_attribute("aria-sort") == told
            assert page.locator("table.comparison th[aria-sort]").count() == 1
            assert column[len(values) :] == [""] * (len(_NAMES) + 1 - len(values))
            if not textual:
                assert keyed == sorted(keyed, reverse=descending)
        if len(set(values)) == len(values):
            assert orders[0] == orders[1][::-1]


def test_the_table_sorts_by_accuracy(opened, address):
    """First the best is on top, then the worst, the majority class."""
    page = opened(address)
    button = page.locator("table.comparison thead th button", has_text="accuracy")
    button.click()
    first = _column(page, 0)[0]
    button.click()

    assert first == "alexnet"
    assert _column(page, 0)[0] == "(majority class)"


def test_the_keyboard_reaches_all_controls(opened, address):
    """The first Tab offers to skip; headings, details and scrolling tables come in their turn."""
    page = opened(address)
    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(e => `${e.tagName} ${e.id || e.className}`)(document.activeElement)")
        )
    page.locator("table.comparison thead th button").nth(1).focus()
    page.keyboard.press("Enter")
    told = page.locator("table.comparison thead th").nth(1).get_attribute("aria-sort")

    assert reached[0] == "A skip"
    assert "BUTTON scheme" in reached
    assert "DIV scroll" in reached
    assert sum(each.startswith("SUMMARY") for each in reached) > 4
    assert sum(each == "BUTTON " for each in reached) >= page.locator("th button").count()
    assert told == "descending"


def test_the_scheme_can_be_chosen(opened, address):
    """The button turns the paper dark, charts and all, and says what it will do."""
    page = opened(address, color_scheme="light")
    button = page.locator("#scheme")
    colour = "getComputedStyle(document.querySelector('.chart svg text')).fill"
    before, said = page.evaluate(colour), button.get_attribute("aria-label")
    button.click()

    assert said == "Dark colours"
    assert button.get_attribute("aria-label") == "Light colours"
    assert page.evaluate(colour) != before
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 24)"


def test_the_page_reads_without_scripts(opened, address):
    """Text, table, photographs and the charts as pictures are there; no dead button is."""
    page = opened(address, java_script_enabled=False)

    assert page.locator(".chart svg").count() == 9
    assert page.locator(".chart svg").first.bounding_box()["height"] > 50
    assert page.locator("table.comparison tbody tr").count() == 5
    assert page.locator("img").count() > 20
    assert page.locator("button:visible").count() == 0


def test_names_run_no_script(opened, address):
    """A model called like one is a name in the table, in keys and in charts."""
    page = opened(address)
    shown = page.locator("table.comparison tbody th").all_inner_texts()

    assert "<script>alert(1)</script>" in shown
    assert page.said == []
    assert page.locator("script:not([type])").count() == 2


def test_a_point_tells_what_it_is(opened, address):
    """Pointed at, it has a tooltip with the model's name as text."""
    page = opened(address)
    page.locator("#figure-accuracy .chart svg .mark-symbol path").first.hover()
    tooltip = page.locator("#vg-tooltip-element")
    tooltip.wait_for(state="visible")

    assert "accuracy" in tooltip.inner_text()
    assert page.said == []


def test_a_tooltip_has_no_more_than_three_rows(opened, address):
    """Name, accuracy with its interval, and the cost."""
    page = opened(address)
    page.locator("#figure-accuracy-parameters .chart svg .mark-symbol path").first.hover()
    page.locator("#vg-tooltip-element").wait_for(state="visible")
    rows = page.locator("#vg-tooltip-element tr .key").all_inner_texts()

    assert rows == ["model", "accuracy", "parameters"]


@pytest.mark.parametrize("scripts", [True, False])
def test_six_columns_fit_and_all_are_a_click_away(opened, address, scripts):
    """On a desk nothing scrolls sideways before; the click needs no script."""
    page = opened(address, java_script_enabled=scripts)
    shown = page.locator("table.comparison thead th:visible")
    table = page.locator("#table .scroll")
    wider = table.evaluate("e => e.scrollWidth - e.clientWidth") if scripts else 0
    before = shown.count()
    page.locator("#all-columns").check()

    assert (before, wider) == (6, 0)
    assert shown.count() > 10


def test_a_command_is_copied(opened, address):
    """By a button that says so; where a browser has no clipboard for files, by a selection."""
    page = opened(address, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#verdict .command button").first
    button.click()
    button.filter(has_text="Copied").wait_for()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.locator("#repeat .command button").click()

    assert page.evaluate("getSelection().toString()") == "zoo bench --models 'one two'"
    assert page.said == []


def test_the_answer_is_on_the_first_screen(opened, address):
    """Headline, how sure it is, accuracies and the command, before any scrolling."""
    page = opened(address)
    ends = [
        page.locator(each).first.bounding_box()
        for each in ("h1", "#verdict b", "#figure-accuracy .chart svg", "#verdict .command")
    ]

    assert max(box["y"] + box["height"] for box in ends) < _DESK["height"]
    assert ends[2]["x"] > ends[0]["x"] + 400


def test_names_at_the_ends_of_lines_do_not_overlap(opened, address):
    """On a desk and on a phone, within the chart."""
    for viewport in (_DESK, _PHONE):
        page = opened(address, viewport=viewport)
        for name in ("learning-curves", "learning-curves-loss", "accuracy-seconds"):
            boxes = page.locator(
                f"#figure-{name} .chart svg .mark-text.role-mark text"
            ).evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
            boxes = sorted(boxes, key=lambda box: box["top"])[-len(_NAMES) :]

            assert len(boxes) == len(_NAMES)
            assert all(a["bottom"] <= b["top"] for a, b in pairwise(boxes))
            assert max(box["right"] for box in boxes) <= viewport["width"]


@pytest.mark.parametrize("clicks", [0, 1, 2])
def test_paper_is_white(opened, address, clicks):
    """Also of a page that is read in the dark; what only a screen can do is not printed."""
    page = opened(address, color_scheme="dark")
    for _ in range(clicks):
        page.locator("#scheme").click()
    page.emulate_media(media="print")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert colour == "rgb(255, 255, 255)"
    assert page.locator("button:visible", has_text="Copy").count() == 0
    assert page.locator("nav:visible, #all-columns:visible").count() == 0


def _certainties(page):
    """Return what the page says of each candidate, by its name."""
    said = page.eval_on_selector_all(".chooser li", "all => all.map(each => each.textContent)")
    return dict(each.rsplit(": ", 1) for each in said)


@pytest.mark.parametrize(
    ("slider", "position"),
    [(None, 0), ("min_accuracy", 0), ("min_accuracy", 80), ("max_seconds", 40), ("max_bytes", 100)],
)
def test_sliders_say_what_the_command_says(opened, address, slider, position):
    """At the limits of the command, at others, and without one; a script in a name is a name."""
    page = opened(address)
    limits = dict(LIMITS)
    if slider is not None:
        page.eval_on_selector(
            f"[data-limit={slider}]",
            "(each, value) => { each.value = value; each.dispatchEvent(new Event('input')); }",
            str(position),
        )
        limits[slider] = _limit(slider, position)
    said = _certainties(page)

    assert list(said.values()) == sorted(
        said.values(), key=["surely", "likely", "cannot say", "no"].index
    )
    for each in CANDIDATES:
        name = each.model if each.form == "torch" else f"{each.model} as {each.form}"
        short = [key for key in said if key == name or ("script" in key and "script" in name)]
        assert [said[key] for key in short] == [Limits(**limits).met_by(each)]
    assert page.said == []


def _limit(slider, position):
    """Return the limit of a slider, from the candidates as the page has them."""
    if slider == "min_accuracy":
        low = min(each.low for each in CANDIDATES) * 0.98
        return None if position == 0 else low + (1 - low) * position / 100
    if position == 100:
        return None
    values = [v for each in CANDIDATES for v in (each.seconds, each.slow_seconds or each.seconds)]
    low, high = min(values) * 0.8, max(values) * 1.25
    return low * (high / low) ** (position / 100)
