"""All faults that `mutation.py` plants, each of which breaks a promise.

Promises are what the README, docs/ and the docstrings say. A file of faults for each room.
"""

from __future__ import annotations

import mutants_of_data
import mutants_of_followups
import mutants_of_network_kinds
import mutants_of_records
import mutants_of_registry
import mutants_of_report
import mutants_of_seeds
import mutants_of_statistics
import mutants_of_training
from code_mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (
    *mutants_of_registry.MUTANTS,
    *mutants_of_network_kinds.MUTANTS,
    *mutants_of_data.MUTANTS,
    *mutants_of_training.MUTANTS,
    *mutants_of_statistics.MUTANTS,
    *mutants_of_records.MUTANTS,
    *mutants_of_report.MUTANTS,
    *mutants_of_seeds.MUTANTS,
    *mutants_of_followups.MUTANTS,
)
