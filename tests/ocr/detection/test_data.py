"""What the loaders hand out."""

import numpy as np
import pytest
import torch

from ocr.detection.data import EpochSampler, PageStore
from ocr.errors import AnnotationError, ConfigError
from ocr.specs.preprocess import apply


def test_training_batches_hold_views_and_their_maps(data_of) -> None:
    batches = list(data_of().train_dataloader())
    assert sorted(name for batch in batches for name in batch.names) == [f"{n}.png" for n in range(6)]
    for batch in batches:
        assert batch.images.shape == (2, 3, 128, 128)
        assert batch.images.dtype == batch.threshold.dtype == torch.float32
        for tensor in (batch.probability, batch.probability_mask, batch.threshold, batch.threshold_mask):
            assert tensor.shape == (2, 1, 128, 128)
        dark = batch.images.mean(1, keepdim=True)
        assert dark[batch.probability > 0].mean() < dark[batch.threshold_mask == 0].mean()
    assert any(batch.probability.any() for batch in batches)


def same(first, second) -> bool:
    return all(torch.equal(a.images, b.images) and a.names == b.names for a, b in zip(first, second, strict=True))


def test_views_depend_on_seed_and_epoch_and_on_nothing_else(data_of) -> None:
    loader = data_of().train_dataloader()
    first, second = list(loader), list(loader)
    assert not same(first, second)
    again = data_of().train_dataloader()
    assert same(first, list(again))
    resumed = data_of().train_dataloader()
    resumed.sampler.set_epoch(1)
    assert same(second, list(resumed))
    assert not same(first, list(data_of(seed=8).train_dataloader()))


def test_workers_give_the_same_views(data_of) -> None:
    alone, shared = data_of().train_dataloader(), data_of(num_workers=2).train_dataloader()
    for _ in range(2):
        assert same(list(alone), list(shared))


def test_the_cache_changes_nothing_and_keeps_its_limit(data_of) -> None:
    data = data_of()
    samples = data.train_samples
    kept, unkept = (PageStore(samples, data.preprocess, 1.1, limit) for limit in (10**7, 0))
    for index in range(len(samples)):
        image, sample, scale = unkept.load(index)
        kept.load(index)
        cached, cached_sample, cached_scale = kept.load(index)
        assert cached.shape == image.shape
        assert cached_scale == scale
        np.testing.assert_array_equal(cached, image)
        for a, b in zip(sample.polygons, cached_sample.polygons, strict=True):
            np.testing.assert_array_equal(a, b)
    assert unkept.encoded == {}
    assert 0 < kept.used < 10**6


def test_a_stored_page_is_as_large_as_its_largest_view(data_of) -> None:
    data = data_of()
    store = PageStore(data.train_samples, data.preprocess, 1.1, 0)
    image, sample, scale = store.load(2)
    original = store.samples[2].polygons[0]
    assert max(image.shape) == round(256 * 1.1)
    assert scale == pytest.approx(1 / 1.1)
    np.testing.assert_allclose(sample.polygons[0], original * (256 * 1.1 / 384), atol=0.5)


def test_validation_gives_whole_pages_in_their_own_pixels(data_of) -> None:
    data = data_of()
    batches = list(data.val_dataloader())
    assert [batch.names for batch in batches] == [[f"{n}.png"] for n in range(6)]
    first, second = batches[:2]
    assert first.size == (256, 384)
    assert first.images.shape == (1, 3, 256, 160)
    assert first.ignore == [True, False, False, False, False]
    assert len(second.polygons) == 5
    image = data.val_samples[0].load()
    np.testing.assert_array_equal(first.images[0].numpy(), apply(data.preprocess, image).array)
    assert all(isinstance(polygon, np.ndarray) for polygon in first.polygons)


def test_a_small_set_is_one_short_batch(data_of) -> None:
    (batch,) = data_of(batch_size=16).train_dataloader()
    assert len(batch.images) == 6


def test_an_epoch_has_every_index_once() -> None:
    sampler = EpochSampler(50, seed=1, epoch=3)
    first, second = list(sampler), list(sampler)
    assert len(sampler) == 50
    assert {epoch for epoch, _ in first} == {3}
    assert {epoch for epoch, _ in second} == {4}
    assert sorted(index for _, index in first) == list(range(50))
    assert [index for _, index in first] != [index for _, index in second]


def test_what_cannot_be_trained_on_is_named(data_of, tmp_path) -> None:
    with pytest.raises(ConfigError, match="crop_size 100 is not a multiple of 32"):
        data_of(crop_size=100)
    with pytest.raises(ConfigError, match=r"no pages to train on in data\.train"):
        data_of(train=[])
    with pytest.raises(AnnotationError, match="nowhere"):
        data_of(train=[tmp_path / "nowhere"])
