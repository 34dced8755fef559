"""A search for a recipe, over training images alone; each configuration is a run like any other.

```text
space    what may differ, from a position in it to a recipe, the next position by Optuna
study    a search's folder: what was tried, read from its runs; seconds spent
search   one configuration after the other, until there are enough
choice   which was best, and whether it can be told from the first
table    all that as a person reads it
```
"""
