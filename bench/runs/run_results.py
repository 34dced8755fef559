"""Results of a run with their displays: charts, HTML and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.results import Results
from bench.system.display import LINE_CELLS, count_noun, short
from registry.errors import RunError
from registry.exit_codes import ExitCode

if TYPE_CHECKING:
    from bench.report.page.encodings import Chart


class RunResults(Results):
    """The results of a run, with charts, an exit code and a notebook view."""

    __slots__ = ()

    def plot(self, name: str | None = None) -> Chart:
        """Return a figure as a Vega-Altair chart, which a notebook shows.

        Args:
            name: name of a file in `figures/`, for example `learning-curves`; default: accuracies.

        Raises:
            RunError: no figure has that name; the message lists the names.
        """
        from bench.report.page.charts import figures_of
        from bench.report.page.figure import PAPER

        figures = {each.name: each for each in figures_of(self)}
        wanted = name or next(iter(figures), "")
        if wanted not in figures:
            known = ", ".join(figures) or "none: nothing was measured"
            raise RunError(f"no figure {wanted!r}; available: {known}")
        return figures[wanted].draw(PAPER)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code: success, a failed model, no measurement, or an interruption."""
        statuses = {record.status for record in self.records}
        if self.stopped_by is not None and (self.unfinished or self.next_seeds):
            return ExitCode.of_signal(self.stopped_by)
        if "interrupted" in statuses:
            return ExitCode.FAILED  # not by the user: the disk may be full
        if "ok" not in statuses:
            return ExitCode.NOTHING_MEASURED
        return ExitCode.OK if statuses == {"ok"} else ExitCode.FAILED

    def __repr__(self) -> str:
        """Three lines: title, headline, and where the rest is."""
        finished = f"{self.planned - self.unfinished} of {count_noun(self.planned, 'trial')}"
        return "\n".join(
            short(line, LINE_CELLS)
            for line in (
                self.title,
                self.pairwise.standings.headline(),
                f"{finished} in {self.folder}; see .frame, .verdicts, .wrong(model), .plot(name)",
            )
        )

    def _repr_html_(self) -> str:
        from bench.report.table import as_html

        return as_html(self.frame, self.title, self.sentences)
