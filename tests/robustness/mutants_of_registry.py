"""Faults in registry/ and zoo/."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="a pattern with `!` excludes nothing",
        file="registry/catalog.py",
        old="for name in dict.fromkeys(chosen) if name not in excluded)",
        new="for name in dict.fromkeys(chosen) if name not in unwanted)",
        tests=("tests/unit/registry/test_catalog.py::test_exclusions_alone_take_from_everything",),
    ),
    Mutant(
        name="a name that two plugins claim goes to the first",
        file="registry/claims.py",
        old="if len(claims) > 1 and not _is_built_in(claims[0]):",
        new="if len(claims) > 2 and not _is_built_in(claims[0]):",
        tests=(
            "tests/unit/registry/test_catalog.py::test_two_plugins_with_one_name_both_need_their_full_name",
        ),
    ),
    Mutant(
        name="a plugin takes a built-in's name",
        file="registry/claims.py",
        old="return not _is_built_in(claim), claim.name",
        new="return _is_built_in(claim), claim.name",
        tests=("tests/unit/registry/test_catalog.py::test_a_built_in_wins_a_clash",),
    ),
    Mutant(
        name="a network that can't be compared ends like a mistyped option",
        file="registry/errors.py",
        old='not tested on the same images."""\n\n    exit_code = ExitCode.IRREPRODUCIBLE',
        new='not tested on the same images."""\n\n    exit_code = ExitCode.USAGE',
        tests=("tests/unit/runs/test_compare.py::test_no_model_in_both_is_refused",),
    ),
    Mutant(
        name="a plugin for a newer interface is loaded",
        file="registry/api.py",
        old="if int(said) > API:",
        new="if int(said) > API + 1:",
        tests=(
            "tests/unit/registry/test_api.py::test_a_plugin_for_a_newer_api_is_a_row_with_what_to_do",
        ),
    ),
    Mutant(
        name="a plugin is imported where all others run",
        file="registry/loading.py",
        old="if not can_pass_descriptors() or not sys.executable:",
        new="if can_pass_descriptors() or not sys.executable:",
        tests=(
            "tests/unit/registry/test_loading.py::test_a_sound_plugin_is_not_imported_here_either",
        ),
    ),
    Mutant(
        name="a plugin that has changed its process shares it with the next",
        file="registry/loading.py",
        old="self._changed_by = owner if loaded.changes else self._changed_by",
        new="self._changed_by = None",
        tests=(
            "tests/unit/registry/test_loading.py::test_the_next_plugin_gets_a_process_of_its_own",
        ),
    ),
    Mutant(
        name="an import on a loaded machine is taken for one that hangs",
        file="registry/patience.py",
        old="if status in _WAITS_FOR_MACHINE:",
        new="if status in ():",
        tests=(
            "tests/unit/registry/test_loading.py::test_only_what_a_process_wastes_itself_counts[disk]",
        ),
    ),
    Mutant(
        name="what a library changes at its import is a plugin's change",
        file="registry/library_imports.py",
        old="state.accept(before.get(id(state)))",
        new="state.accept(state.now())",
        tests=(
            "tests/unit/registry/test_loading.py::test_what_a_library_changes_at_its_own_import_is_not_told",
        ),
    ),
    Mutant(
        name="two files share the modules beside them",
        file="registry/neighbours.py",
        old="for name in {*outside, *_of_other_folders(own)}:",
        new="for name in outside:",
        tests=(
            "tests/unit/registry/test_from_file.py::test_two_files_have_each_its_own_neighbours",
        ),
    ),
    Mutant(
        name="a file that was changed is still the module that it was",
        file="registry/from_file.py",
        old='{hashlib.sha256(path.encode()).hexdigest()[:12]}_{_digest(Path(path))[:12]}"',
        new='{hashlib.sha256(path.encode()).hexdigest()[:12]}"',
        tests=(
            "tests/unit/registry/test_from_file.py::test_what_has_changed_in_a_file_is_another_code",
        ),
    ),
    Mutant(
        name="frozen contracts are enforced in their own folder alone",
        file="registry/frozen.py",
        old="for place in (start, *start.parents):",
        new="for place in (start,):",
        tests=("tests/unit/registry/test_frozen.py::test_the_nearest_file_above_is_found",),
    ),
    Mutant(
        name="a contract is held to its shapes alone",
        file="registry/verify.py",
        old="if found.parameters != promised.parameters:",
        new="if found.input_shape != promised.input_shape:",
        tests=("tests/unit/registry/test_verify.py::test_a_broken_promise_is_told_field_by_field",),
    ),
    Mutant(
        name="what a module makes at import has shapes alone",
        file="registry/from_file.py",
        old='torch.device("cpu") if torch else nullcontext()',
        new="nullcontext()",
        tests=(
            "tests/unit/registry/test_from_file.py::test_a_module_imported_for_its_shapes_holds_numbers",
        ),
    ),
    Mutant(
        name="a module imported by a constructor has shapes alone",
        file="registry/shape_device.py",
        old='with torch.device("cpu"), torch.enable_grad():',
        new="with torch.enable_grad():",
        tests=(
            "tests/unit/registry/test_from_file.py::test_a_module_imported_for_its_shapes_holds_numbers",
        ),
    ),
    Mutant(
        name="checking a contract draws from the global random state",
        file="registry/verify.py",
        old="with torch.random.fork_rng(devices=[]), built_on(device), torch.no_grad():",
        new="with built_on(device), torch.no_grad():",
        tests=("tests/unit/registry/test_verify.py::test_the_global_random_state_is_untouched",),
    ),
    Mutant(
        name="a deviation that is out of date is no failure",
        file="registry/checks/kit.py",
        old="if error is None and not reason:",
        new="if error is None:",
        tests=(
            "tests/unit/registry/test_checks.py::test_a_deviation_that_is_not_there_is_a_failure",
        ),
    ),
    Mutant(
        name="a network's settings of the process stay",
        file="registry/checks/settings.py",
        old="if setting.write and setting.read() != before[setting.name]:",
        new="if setting.write and setting.read() == before[setting.name]:",
        tests=("tests/unit/registry/test_checks.py::test_the_process_is_as_before",),
    ),
    Mutant(
        name="the head is tried with two classes alone",
        file="registry/checks/answers.py",
        old="for classes in (2, 7):",
        new="for classes in (2,):",
        tests=(
            "tests/unit/registry/test_checks.py::test_a_liar_fails_exactly_the_check_of_its_lie[Deaf-head]",
        ),
    ),
    Mutant(
        name="a gradient of exactly 0 counts as one",
        file="registry/checks/weights.py",
        old="return parameter.grad is not None and bool(parameter.grad.any())",
        new="return parameter.grad is not None",
        tests=(
            (
                ""
                "tests/unit/registry/test_checks.py::test_a_liar_fails_exactly_the_check_of_its_lie[Multiplied-gradients]"
            ),
        ),
    ),
    Mutant(
        name="the weights of one network are compared with themselves",
        file="registry/checks/weights.py",
        old="one, other = subject.network().state_dict(), subject.built(0).state_dict()",
        new="one, other = subject.network().state_dict(), subject.network().state_dict()",
        tests=(
            "tests/unit/registry/test_checks.py::test_a_liar_fails_exactly_the_check_of_its_lie[Moody-seed]",
        ),
    ),
    Mutant(
        name="a broken promise ends with exit code 0",
        file="zoo/cli/check_tables.py",
        old='any(each.status == "broken" for each in self.findings)',
        new='any(each.status == "not run" for each in self.findings)',
        tests=("tests/unit/zoo/test_checking.py::test_a_broken_promise_ends_with_exit_code_4",),
    ),
    Mutant(
        name="a tolerance in points is taken for a share",
        file="zoo/cli/compare.py",
        old="tolerance=tolerance / 100",
        new="tolerance=tolerance",
        tests=("tests/unit/runs/test_compare.py::test_a_tolerated_loss_is_no_regression",),
    ),
    Mutant(
        name="what is no longer as it was frozen is not told",
        file="zoo/cli/contract.py",
        old="        if getattr(found, field) != getattr(promised, field)",
        new="        if getattr(found, field) != getattr(found, field)",
        tests=(
            "tests/unit/registry/test_frozen.py::test_what_is_no_longer_as_it_was_frozen_is_told",
        ),
    ),
    Mutant(
        name="three seeds are 1, 2 and 3",
        file="bench/system/options.py",
        old="return tuple(range(numbers[0]))",
        new="return tuple(range(1, numbers[0] + 1))",
        tests=("tests/unit/zoo/test_cli.py::test_seeds_are_counted_from_0_or_listed",),
    ),
    Mutant(
        name="what a file says wins over the command line",
        file="zoo/cli/options.py",
        old="{**stored, **displaced_by(given), **given}",
        new="{**given, **displaced_by(given), **stored}",
        tests=("tests/unit/runs/test_config_file.py::test_the_command_line_wins",),
    ),
    Mutant(
        name="a number in a file may be true",
        file="bench/runs/config_file.py",
        old="        return bool in kinds\n",
        new="        return bool in kinds or int in kinds\n",
        tests=("tests/unit/runs/test_config_file.py::test_a_bad_file_is_one_line",),
    ),
    Mutant(
        name="a task beyond the last share is let in",
        file="zoo/cli/plan.py",
        old="if not first <= number < shares + first:",
        new="if not first <= number <= shares + first:",
        tests=("tests/unit/runs/test_plan_file.py::test_a_share_that_is_none_is_refused",),
    ),
    Mutant(
        name="a name that two plugins claim is not told by `zoo doctor`",
        file="zoo/diagnostics/plugins.py",
        old="if len(found) < 2",
        new="if len(found) < 3",
        tests=(
            "tests/unit/zoo/test_doctor.py::test_a_clash_names_who_has_the_name_and_what_to_say",
        ),
    ),
    Mutant(
        name="images for timm's networks are divided by their mean",
        file="zoo/family_timm.py",
        old="std=tuple(found.std)",
        new="std=tuple(found.mean)",
        tests=(
            "tests/unit/registry/test_families.py::test_a_members_deviation_is_no_mean[timm:resnet18]",
        ),
    ),
    Mutant(
        name="the chapter's LeNet lacks the ReLU after fc1",
        file="zoo/lenet.py",
        old="logits: torch.Tensor = self.fc2(self.relu3(self.fc1(x)))",
        new="logits: torch.Tensor = self.fc2(self.fc1(x))",
        tests=(
            (
                ""
                "tests/unit/zoo/test_networks.py::test_only_the_default_lenet_has_a_relu_between_its_linear_layers"
            ),
        ),
    ),
    Mutant(
        name="megabytes are millions where it says 1,048,576",
        file="zoo/cli/show_tables.py",
        old='return f"{size / 2**20:,.2f} MB"',
        new='return f"{size / 1e6:,.2f} MB"',
        tests=("tests/unit/zoo/test_cli.py::test_show_prints_layers_totals_and_verdict",),
    ),
    Mutant(
        name="a new package may take the name of an architecture that is there",
        file="zoo/scaffold/new_package.py",
        old="if name in Catalog.installed().names():",
        new="if name in ():",
        tests=("tests/unit/zoo/test_new.py::test_a_name_that_is_taken_or_none_is_refused",),
    ),
    Mutant(
        name="a frozen backbone's batch normalisation goes on learning",
        file="zoo/transfer.py",
        old="module.train = partial(_as_it_is, module)",
        new="module.eval = partial(_as_it_is, module)",
        tests=("tests/unit/zoo/test_transfer.py::test_a_frozen_backbone_stays_as_it_is",),
    ),
    Mutant(
        name="VGG begins with Kaiming's fan-in",
        file="zoo/vgg.py",
        old='mode="fan_out"',
        new='mode="fan_in"',
        tests=("tests/unit/zoo/test_networks.py::test_vgg_begins_with_kaimings_fan_out",),
    ),
)
