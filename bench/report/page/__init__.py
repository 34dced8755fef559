"""One page that holds all of a run, and its figures: made from the store alone.

```text
rows      what each chart shows, as plain values
look      colours, and how charts are drawn: on the page, in a file, in a notebook
charts    the charts, by Vega-Altair
confusion which class was taken for which
gallery   photographs: confidently wrong, disagreed on, fooling all
words     the verdict, and what else is said in sentences
sections  all that the template is filled with
draw      Vega-Lite -> SVG, PNG, and what a page needs to draw it itself
write     report.html and figures/
```

Altair and vl-convert are imported when a chart is made, not before.
"""
