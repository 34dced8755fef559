"""What a follow-up finds, made by hand: one of everything that the page shows."""

from __future__ import annotations

from bench.report.followup_file import (
    Candidate,
    Followup,
    FollowupLine,
    FollowupPicture,
    FollowupTable,
    Gallery,
    Multiples,
    Point,
)

NASTY = "</script><script>alert(1)</script>"
LIMITS = {"min_accuracy": 0.8, "max_seconds": 0.02, "max_bytes": 5e6}
CANDIDATES = tuple(
    Candidate(model=model, form=form, accuracy=accuracy, low=accuracy - 0.04,
              likely_low=accuracy - 0.025, high=accuracy + 0.04, seconds=seconds,
              slow_seconds=slow, bytes=size, file="")
    for model, form, accuracy, seconds, slow, size in (
        ("lenet5", "torch", 0.79, 0.001, 0.002, 250_000),
        ("lenet5", "ONNX", 0.83, 0.0005, None, 250_000),
        ("alexnet", "torch", 0.9, 0.03, 0.04, 170_000_000),
        ("alexnet", "ONNX", 0.9, 0.018, 0.025, 4_000_000),
        ("alexnet", "ONNX int8", 0.9, 0.01, 0.015, 4_900_000),
        (NASTY, "torch", 0.5, 0.01, 0.02, 5_000_000),
    )
)  # fmt: skip


def made_followup(**changes):
    """Return a follow-up with one of everything."""
    points = tuple(
        Point(panel=panel, model=model, x=x, y=0.9 - x / 10, low=0.5, high=0.95)
        for panel in ("noise", "blur")
        for model in ("lenet5", "alexnet", "nobody")
        for x in (0.0, 1.0, 2.0)
    )
    chart = Multiples(name="accuracy", title="Noise costs most", caption="By severity.",
                      spoken="Two", x="severity", y="accuracy", points=points)  # fmt: skip
    own = FollowupPicture(file="stress-one.jpg", alt="noise", name="noise 3",
                          lines=(FollowupLine(text="✗ cat", kind="wrong"),))  # fmt: skip
    thumbnail = FollowupPicture(image="cat.0.jpg", alt="a cat", name="cat.0.jpg")
    fields = {
        "kind": "stress",
        "label": "Stress",
        "title": f"alexnet holds best {NASTY}",
        "covers": (),
        "lines": (FollowupLine(text="alexnet is better than lenet5", kind="better"),),
        "notes": ("Twelve corruptions.",),
        "tables": (FollowupTable(title="Means", head=("model", "mean"), rows=(("a", "1"),)),),
        "charts": (chart,),
        "galleries": (Gallery(title="Samples", caption="", pictures=(own, thumbnail)),),
        "values": {"mean": 0.5},
    }
    return Followup(**fields | changes)
