import importlib


def find_model(name):
    """models.NAME.NAME, imported when it is asked for"""
    return getattr(importlib.import_module(f"models.{name}"), name.title())
