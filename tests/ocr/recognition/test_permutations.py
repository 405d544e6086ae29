import pytest
import torch

from ocr.errors import ConfigError
from ocr.recognition.parseq_loss import PermutationLoss
from ocr.recognition.permutations import draw_orders, order_masks
from ocr.text.charset import Charset
from ocr.text.tokenizer import ParseqTokenizer


@pytest.mark.parametrize("length", range(2, 12))
def test_orders_are_orders_and_the_first_two_are_forward_and_backward(length):
    orders = draw_orders(length, 6)
    assert torch.equal(orders.sort(dim=1).values, torch.arange(length + 2).expand(len(orders), -1))
    assert orders[0].tolist() == list(range(length + 2))
    assert orders[1].tolist() == [0, *range(length + 1, 0, -1)]
    assert (orders[:, 0] == 0).all()
    for order, mirror in zip(orders[2::2], orders[3::2], strict=True):
        assert order[1:-1].tolist() == mirror[1:-1].flip(0).tolist()
        assert order[-1] == mirror[-1] == length + 1


@pytest.mark.parametrize(("length", "count"), [(1, 1), (2, 2), (3, 6), (4, 6), (5, 6), (25, 6)])
def test_short_texts_have_fewer_orders(length, count):
    assert len(draw_orders(length, 6)) == count


@pytest.mark.parametrize("length", [3, 4])
def test_orders_of_short_texts_do_not_repeat(length):
    for seed in range(20):
        orders = draw_orders(length, 6, generator=torch.Generator().manual_seed(seed))
        characters = {tuple(order[1:-1].tolist()) for order in orders[2:]}
        assert len(characters) == 4
        assert tuple(range(1, length + 1)) not in characters


def test_a_single_character_is_read_forward():
    assert draw_orders(1, 6).tolist() == [[0, 1, 2]]


def test_forward_masks_are_causal():
    content, query = order_masks(torch.arange(6))
    causal = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    assert torch.equal(content, causal)
    assert torch.equal(query, causal)


@pytest.mark.parametrize("length", [2, 5, 9])
def test_a_query_sees_what_comes_before_it_in_the_order_and_never_itself(length):
    for order in draw_orders(length, 6):
        content, query = order_masks(order)
        places = order.tolist()
        for n, position in enumerate(places):
            before = set(places[:n])
            if position >= 1:
                assert {j for j in range(length + 1) if not query[position - 1, j]} == before - {length + 1}
            if position <= length:
                seen = {j for j in range(length + 1) if not content[position, j]}
                assert seen == (before | {position}) - {length + 1}


def test_every_query_may_see_the_begin_token():
    for order in draw_orders(7, 6):
        assert not order_masks(order)[1][:, 0].any()


@pytest.mark.parametrize("orders", [-2, 0, 1, 5])
def test_a_loss_asks_for_pairs_of_orders(orders):
    with pytest.raises(ConfigError, match=f"orders {orders}: each comes with its mirror"):
        PermutationLoss(tokenizer=ParseqTokenizer(charset=Charset(tuple("ab"))), orders=orders)
