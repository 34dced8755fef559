"""The report page and its figures, made from the store alone.

- `charts`: one file per chart, with data, drawing by Vega-Altair, texts and table.
- `figure`: the figure type, the themes, and helpers of all charts.
- `encodings`: building blocks of charts.
- `gallery`: selection of test images by their predictions, and their pictures.
- `words`: headline and notes.
- `sections`: values for the template; `provenance`: data and reproduction.
- `vega`: Vega-Lite to SVG, PNG and interactive charts, through `renderer`.
- `write`: report.html and figures/.

Altair and vl-convert are imported when a chart is made.
"""
