"""Puts a new Python process onto another system: see `foreign_system`."""

import os

import foreign_system

if system := os.environ.get(foreign_system.VARIABLE):
    foreign_system.be(system)
