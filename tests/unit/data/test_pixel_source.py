from __future__ import annotations

import numpy as np
import pytest
from drawn_folder import noise

from bench.data.check import check
from bench.data.decode import decode
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from registry.errors import DataError

_SHAPE = (3, 32, 32)


@pytest.fixture
def images(drawn):
    """Checked images."""
    return check(find(drawn)).images


def test_an_image_that_is_replaced_after_its_check_is_refused(images):
    """By name, however often it was read before."""
    source, file = DirectPixels.of(images), images[3].file
    source.full(file)
    noise(99).save(file.path)

    for read in (source.full, lambda file: source.centre(file, _SHAPE)):
        with pytest.raises(DataError, match=rf"^{file.name} changed after it was checked: "):
            read(file)


def test_the_same_picture_saved_in_other_bytes_is_refused(images):
    """The content counts, as for the fingerprint of a split: one more byte is a change."""
    file = images[0].file
    file.path.write_bytes(file.path.read_bytes() + b"\0")

    with pytest.raises(DataError, match="changed after it was checked"):
        DirectPixels.of(images).full(file)


def test_an_image_that_is_removed_after_its_check_is_named(images):
    """With the system's reason."""
    file = images[0].file
    file.path.unlink()

    with pytest.raises(DataError, match=rf"^cannot read {file.name}: No such file"):
        DirectPixels.of(images).full(file)


def test_an_image_put_back_is_read_again(images):
    """Only the content counts, no times."""
    source, file = DirectPixels.of(images), images[0].file
    content = file.path.read_bytes()
    file.path.unlink()
    file.path.write_bytes(content)

    assert np.array_equal(source.full(file), decode(file.path))


def test_an_image_that_was_not_checked_is_decoded_as_it_is(images):
    """A source without digests compares nothing."""
    file = images[0].file
    noise(99).save(file.path)

    assert np.array_equal(DirectPixels().full(file), decode(file.path))
