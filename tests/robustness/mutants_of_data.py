"""Faults in bench/data/."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="a picture that is named twice is predicted twice",
        file="bench/data/given_pictures.py",
        old="(os.path.realpath(path.parent), path.name)",
        new="(str(path.parent), path.name)",
        tests=("tests/unit/data/test_given_pictures.py::test_a_picture_is_read_once",),
    ),
    Mutant(
        name="the last batch of an epoch is lost",
        file="bench/data/loader.py",
        old="return np.split(order, cuts)",
        new="return np.split(order, cuts)[: len(cuts)]",
        tests=("tests/unit/data/test_loader.py::test_every_image_comes_once",),
    ),
    Mutant(
        name="a last batch of one image stays alone",
        file="bench/data/loader.py",
        old="if cuts and len(order) - cuts[-1] == 1:",
        new="if cuts and len(order) - cuts[-1] == 0:",
        tests=("tests/unit/data/test_loader.py::test_a_last_batch_of_one_is_joined",),
    ),
    Mutant(
        name="one picture under two labels passes",
        file="bench/data/duplicates.py",
        old="if len({image.file.label for image in group}) > 1\n",
        new="if len({image.sha256 for image in group}) > 1\n",
        tests=("tests/unit/data/test_check.py::test_one_picture_under_two_labels_is_refused",),
    ),
    Mutant(
        name="a folder of which half can't be used is trained on",
        file="bench/data/check.py",
        old="if manifest.rejected_share <= share:",
        new="if manifest.rejected_share <= share * 100:",
        tests=("tests/unit/data/test_check.py::test_many_rejects_are_an_error_that_names_them",),
    ),
    Mutant(
        name="a picture saved again is no duplicate",
        file="bench/data/near_copies.py",
        old="(agrees >= np.where(both, _PLAIN.correlation, _SMALL.correlation))",
        new="(agrees >= 1)",
        tests=("tests/unit/data/test_check.py::test_a_picture_saved_again_is_a_duplicate",),
    ),
    Mutant(
        name="digits that look alike are one picture",
        file="bench/data/near_copies.py",
        old="_SMALL = _Limits(correlation=0.99, detail=0.95)",
        new="_SMALL = _Limits(correlation=0.95, detail=0.75)",
        tests=(
            "tests/unit/data/test_duplicates.py::test_handwritten_digits_are_no_copies_of_one_another",
        ),
    ),
    Mutant(
        name="a crop is found only if it comes second",
        file="bench/data/near_copies.py",
        old=" | _match_aligned(other[rest], one[rest])",
        new="",
        tests=("tests/unit/data/test_duplicates.py::test_changed_copy_is_found",),
    ),
    Mutant(
        name="near-copies of two labels are grouped",
        file="bench/data/duplicates.py",
        old="[*same, *within])",
        new="[*same, *pairs])",
        tests=("tests/unit/data/test_duplicates.py::test_near_copies_of_two_labels_are_noted",),
    ),
    Mutant(
        name="a class loses all its tests in silence",
        file="bench/data/folds.py",
        old="        if label not in left:\n",
        new="        if label in ():\n",
        tests=("tests/unit/data/test_held_out.py::test_class_without_a_test_is_refused",),
    ),
    Mutant(
        name="photographs lie on their side",
        file="bench/data/decode.py",
        old="    6: Image.Transpose.ROTATE_270,\n",
        new="    6: Image.Transpose.ROTATE_90,\n",
        tests=("tests/unit/data/test_decode.py::test_every_orientation_is_turned_upright",),
    ),
    Mutant(
        name="colours that nobody sees are trained on",
        file="bench/data/rgb.py",
        old="return least < 255 and",
        new="return least < 0 and",
        tests=("tests/unit/data/test_decode.py::test_transparent_picture_is_on_white",),
    ),
    Mutant(
        name="an empty sheet of paper is trained on",
        file="bench/data/rgb.py",
        old="if _range(shown) <= _FAINT and",
        new="if _range(shown) < 0 and",
        tests=("tests/unit/data/test_decode.py::test_picture_that_white_hides_is_refused",),
    ),
    Mutant(
        name="the preview in a raw file is a photograph",
        file="bench/data/decode.py",
        old="if _DNG_VERSION in tags or preview:",
        new="if _DNG_VERSION in tags and preview:",
        tests=("tests/unit/data/test_decode.py::test_preview_in_raw_file_is_no_picture",),
    ),
    Mutant(
        name="a line of one pixel is a picture",
        file="bench/data/decode.py",
        old="if max(width, height) > MAX_ASPECT * min(width, height):",
        new="if max(width, height) > MAX_PIXELS * min(width, height):",
        tests=("tests/unit/data/test_decode.py::test_picture_of_extreme_shape_is_refused",),
    ),
    Mutant(
        name="a busy machine costs a photograph",
        file="bench/data/sandbox.py",
        old="if spent - self._first >= self._seconds:",
        new="if self._waited >= self._seconds:",
        tests=(
            "tests/unit/data/test_decode_pool.py::test_photograph_of_a_stopped_decoder_is_used",
        ),
    ),
    Mutant(
        name="a slow drive costs a photograph",
        file="bench/data/decode_pool.py",
        old="    if hung:\n",
        new="    if not hung:\n",
        tests=(
            "tests/unit/data/test_decode_pool.py::test_photograph_that_hung_once_is_tried_again",
        ),
    ),
    Mutant(
        name="an examiner outlives the command",
        file="bench/data/decode_worker.py",
        old="    die_with_parent()\n",
        new="    sys.stdin.flush()\n",
        tests=("tests/unit/data/test_decode_pool.py::test_an_examiner_dies_with_its_parent",),
    ),
    Mutant(
        name="a wrong archive is unpacked",
        file="bench/data/fetch.py",
        old="    if found != expected:\n",
        new="    if not found:\n",
        tests=("tests/unit/data/test_fetch.py::test_a_wrong_archive_is_refused",),
    ),
    Mutant(
        name="a fold trains on what it tests",
        file="bench/data/folds.py",
        old="for part in (*parts[fold + 1 :], *parts[:fold])",
        new="for part in (*parts[fold:], *parts[:fold])",
        tests=(
            "tests/unit/data/test_folds.py::test_folds_are_disjoint_cover_all_and_keep_duplicates_together",
        ),
    ),
    Mutant(
        name="fold 1 is given the split of fold 2",
        file="bench/data/folds.py",
        old="return self.each[0 if fold is None else fold - 1]",
        new="return self.each[0 if fold is None else fold % len(self.each)]",
        tests=("tests/unit/data/test_folds.py::test_a_fold_is_counted_from_1",),
    ),
    Mutant(
        name="a picture saved again is tested though it was trained on",
        file="bench/data/folds.py",
        old="if any(image.file.path in known for image in group):",
        new="if all(image.file.path in known for image in group):",
        tests=(
            "tests/unit/data/test_held_out.py::test_picture_that_was_trained_on_is_never_tested",
        ),
    ),
    Mutant(
        name="an earlier decoder's verdicts are believed",
        file="bench/data/validation_cache.py",
        old="WHERE version = ? AND sha256 IN",
        new="WHERE version <> ? AND sha256 IN",
        tests=("tests/unit/data/test_pixel_cache.py::test_another_decoder_checks_anew",),
    ),
    Mutant(
        name="another image under a planned name is trained on",
        file="bench/runs/load_data.py",
        old="            if digest != image.sha256\n",
        new="            if len(digest) != 64\n",
        tests=(
            "tests/unit/runs/test_located.py::test_another_content_under_the_same_name_is_refused",
        ),
    ),
    Mutant(
        name="cached pixels outlive the decoder that made them",
        file="bench/data/pixel_cache.py",
        old="[str(DECODER_VERSION), PIL.__version__, name]",
        new="[PIL.__version__, name]",
        tests=("tests/unit/data/test_pixel_cache.py::test_another_decoder_decodes_anew",),
    ),
    Mutant(
        name="altered pixels reach a network",
        file="bench/data/pixel_file.py",
        old="if hashlib.sha256(data).digest() != sha256:",
        new="if not data:",
        tests=(
            "tests/unit/data/test_pixel_file.py::test_a_flipped_byte_is_noticed_wherever_it_lies",
        ),
    ),
    Mutant(
        name="a cached picture altered after its first read is trained on",
        file="bench/data/pixel_file.py",
        old="if not (unchanged and self._checked[number]):",
        new="if not self._checked[number]:",
        tests=(
            "tests/unit/data/test_pixel_file.py::test_an_image_altered_after_its_first_read_is_noticed",
        ),
    ),
    Mutant(
        name="pixels under the right key are believed, whoever made them",
        file="bench/data/pixel_cache.py",
        old="if not np.array_equal(file.read(number), pixels):",
        new="if file.read(number).shape != pixels.shape:",
        tests=(
            "tests/unit/data/test_pixel_cache.py::test_a_sound_file_of_other_pixels_is_written_anew",
        ),
    ),
    Mutant(
        name="an image replaced during a run is trained on",
        file="bench/data/pixel_source.py",
        old="hashlib.sha256(content).hexdigest() != checked:",
        new="not content:",
        tests=(
            "tests/unit/data/test_pixel_source.py::test_an_image_that_is_replaced_after_its_check_is_refused",
        ),
    ),
    Mutant(
        name="a cache that others can write to is read",
        file="bench/system/own_files.py",
        old="if status.st_mode & _BY_OTHERS else None",
        new="if status.st_mode & 0 else None",
        tests=(
            "tests/unit/data/test_pixel_file.py::test_a_file_that_others_can_write_is_not_opened",
        ),
    ),
    Mutant(
        name="pixels are named before they are synced",
        file="bench/system/atomic_files.py",
        old="        _sync(partial)\n        put_in_place(partial, path)",
        new="        put_in_place(partial, path)",
        tests=(
            "tests/unit/system/test_atomic_files.py::test_pixels_are_synced_before_they_have_their_name",
        ),
    ),
    Mutant(
        name="test images are trained on",
        file="bench/data/split.py",
        old="parts.append((images[:first], ",
        new="parts.append((images[:first] + images[second:], ",
        tests=("tests/unit/data/test_split.py::test_the_stratified_split_keeps_shares",),
    ),
    Mutant(
        name="near-duplicates are split across parts",
        file="bench/data/split.py",
        old="leaders[images[at - 1].sha256] == leaders[images[at].sha256]:",
        new="images[at - 1].sha256 == images[at].sha256:",
        tests=(
            "tests/unit/data/test_split.py::test_near_duplicates_are_dealt_together_wherever_a_cut_falls",
        ),
    ),
    Mutant(
        name="a fingerprint does not tell labels apart",
        file="bench/data/split.py",
        old='digest.update(f"{image.sha256} {image.file.label}\\n".encode())',
        new='digest.update(f"{image.sha256}\\n".encode())',
        tests=("tests/unit/data/test_split.py::test_another_label_is_another_fingerprint",),
    ),
    Mutant(
        name="a search sees the outer test images",
        file="bench/data/split.py",
        old="train = set(SPLITS[name](manifest).train)",
        new="train = set(manifest.images)",
        tests=(
            "tests/unit/data/test_within.py::test_a_nested_split_has_the_outer_training_images_alone",
        ),
    ),
    Mutant(
        name="the seed is ignored where images are drawn and ordered",
        file="bench/data/transform.py",
        old="key = np.array([seed % 2**64, 0], dtype=np.uint64)",
        new="key = np.array([0, 0], dtype=np.uint64)",
        tests=("tests/unit/data/test_loader.py::test_seeds_and_epochs_differ",),
    ),
    Mutant(
        name="a network is tested on the corner of a picture",
        file="bench/data/transform.py",
        old="top, left = round((scaled.height - height) / 2), round((scaled.width - width) / 2)",
        new="top, left = 0, 0",
        tests=("tests/unit/data/test_transform.py::test_evaluation_pixels_are_torchvisions",),
    ),
    Mutant(
        name="an archive writes outside of its folder",
        file="bench/data/fetch.py",
        old='or ".." in name.parts or',
        new="or",
        tests=("tests/unit/data/test_fetch.py::test_no_member_is_written_outside",),
    ),
    Mutant(
        name="the order of an epoch hangs on what was drawn before",
        file="bench/data/loader.py",
        old="        generator = keyed_generator(self.seed, _ORDER, epoch)",
        new="        generator = np.random.default_rng(np.random.randint(2**31))",
        tests=("tests/unit/data/test_loader.py::test_an_epoch_does_not_depend_on_those_before",),
    ),
    Mutant(
        name="all images of an epoch are cut alike",
        file="bench/data/loader.py",
        old="generator = keyed_generator(self.seed, _IMAGE, epoch, index)",
        new="generator = keyed_generator(self.seed, _IMAGE, epoch)",
        tests=(
            "tests/unit/data/test_loader.py::test_each_image_of_an_epoch_has_a_part_of_its_own",
        ),
    ),
)
