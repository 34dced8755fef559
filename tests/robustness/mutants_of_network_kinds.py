"""Faults in the checks of scripted, lazy, quantised and other rare networks."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="packed weights of quantised layers are not counted",
        file="registry/parameters.py",
        old="return plain + sum(map(_packed_size, packed.values()))",
        new="return plain",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_quantised_network_is_judged_as_far_as_it_can_be",
        ),
    ),
    Mutant(
        name="a check that cannot be made is a promise kept",
        file="registry/checks/kit.py",
        old='status="not run", reason=error.seen',
        new='status="kept", reason=error.seen',
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_quantised_network_is_judged_as_far_as_it_can_be",
        ),
    ),
    Mutant(
        name="parameters may change while a network is called",
        file="registry/parameters.py",
        old="if (after := _described(network)) != before:",
        new="if len(after := _described(network)) < len(before):",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_lie_of_a_rare_kind_is_told[Later-contract]",
        ),
    ),
    Mutant(
        name="layers in a list are seen only if the list holds them directly",
        file="registry/parameters.py",
        old="_DEPTH = 3  #",
        new="_DEPTH = 1  #",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_lie_of_a_rare_kind_is_told[Hidden-contract]",
        ),
    ),
    Mutant(
        name="a lazy network is left without sizes",
        file="registry/architecture.py",
        old="        if not is_unshaped(network):\n",
        new="        if network.training:\n",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_lazy_network_is_built_with_sizes",
        ),
    ),
    Mutant(
        name="a scripted network's copy is trained",
        file="registry/checks/subject.py",
        old="return copy if leaves or not",
        new="return copy if copy or not",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_an_honest_network_of_a_rare_kind_keeps_its_promises[scripted]",
        ),
    ),
    Mutant(
        name="what a library changes at a late import is its importer's fault",
        file="registry/checks/watch.py",
        old="if not importing and len(sys.modules) > modules:",
        new="if importing and len(sys.modules) > modules:",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_what_a_library_changes_at_a_late_import_is_no_fault",
        ),
    ),
    Mutant(
        name="a change beside a late import is excused with it",
        file="registry/checks/watch.py",
        old="return [*skewing, *(each for each in again if each not in skewing)]",
        new="return [*skewing]",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_change_beside_a_late_import_is_told",
        ),
    ),
    Mutant(
        name="a function of torch may be another of its own",
        file="registry/checks/patches.py",
        old="wrong = changed and (id(value) in moved or not",
        new="wrong = changed and (not",
        tests=(
            "tests/unit/registry/test_network_kinds.py::test_a_replaced_function_of_torch_is_told",
        ),
    ),
    Mutant(
        name="a quantised network is sent to be trained",
        file="bench/training/suitable.py",
        old="if reason := untrainable(network):",
        new="if (reason := untrainable(network)) is None:",
        tests=(
            "tests/unit/training/test_unusual_networks.py::test_a_network_that_cannot_be_trained_as_it_says_is_a_row",
        ),
    ),
    Mutant(
        name="a network may lose parameters in training",
        file="bench/training/suitable.py",
        old="if parameters is not None and found != parameters:",
        new="if parameters is None and found != parameters:",
        tests=(
            "tests/unit/training/test_unusual_networks.py::test_a_network_that_cannot_be_trained_as_it_says_is_a_row",
        ),
    ),
)
