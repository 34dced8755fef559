"""One page that holds all of a run, and its figures: made from the store alone.

```text
charts    the charts, one file each: data, drawing by Vega-Altair, words and table
figure    what a chart gives to the page, and what all have in common: names and numbers
encodings what charts are put together from; `beside`: the names of their points
look      colours, and how charts are drawn: on the page, in a file, in a notebook
gallery   photographs: confidently wrong, disagreed on, fooling all; `album` holds them
words     the verdict, and what else is said in sentences
sections  all that the template is filled with; `provenance`: data, and how to repeat it
vega      Vega-Lite -> SVG, PNG, and what a page needs to draw it itself, in another process
renderer  that process
write     report.html and figures/
```

Altair and vl-convert are imported when a chart is made, not before.
"""
