"""One page that holds all of a run, and its figures: made from the store alone.

```text
charts    the charts, one file each: data, drawing by Vega-Altair, words and table
figure    what a chart gives to the page, how it looks, and what all have in common
encodings what charts are put together from
gallery   photographs: confidently wrong, disagreed on, fooling all; and their pictures
words     the verdict, and what else is said in sentences
sections  all that the template is filled with; `provenance`: data, and how to repeat it
vega      Vega-Lite -> SVG, PNG, and what a page needs to draw it itself, by `renderer`
write     report.html and figures/
```

Altair and vl-convert are imported when a chart is made, not before.
"""
