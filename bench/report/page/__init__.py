"""The report page and its figures, made from the store alone.

Altair and vl-convert are imported when a chart is made.
"""
