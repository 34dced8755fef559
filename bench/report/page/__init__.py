"""One page that holds all of a run, and its figures: made from the store alone.

```text
rows      what each chart shows, as plain values
look      colours, and how charts are drawn: on the page, in a file, in a notebook
charts    the charts, by Vega-Altair
encodings what charts are put together from; `beside`: the names of their points
figures   which there are, with captions and tables
gallery   photographs: confidently wrong, disagreed on, fooling all; `album` holds them
words     the verdict, and what else is said in sentences
sections  all that the template is filled with; `provenance`: data, and how to repeat it
draw      Vega-Lite -> SVG, PNG, and what a page needs to draw it itself, in another process
renderer  that process
write     report.html and figures/
```

Altair and vl-convert are imported when a chart is made, not before.
"""
