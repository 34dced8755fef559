"""Search for a recipe on training images alone; each configuration is an ordinary run.

```text
space         positions, recipes, suggestions by Optuna
study         the folder of a search
search        one configuration after another
choice        the best configuration, compared with the first
search_table  the result as table and JSON
```
"""
