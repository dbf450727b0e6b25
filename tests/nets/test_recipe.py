# SPDX-License-Identifier: BSD-2-Clause
"""A recipe says the rate and the images' size at each moment, and refuses what is none."""

import pytest

from accel.errors import UserError
from nets.recipe import Recipe


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_the_rate_rises_to_its_largest_and_falls_to_nothing(schedule):
    recipe = Recipe(rate=0.4, schedule=schedule)
    rates = [recipe.learning_rate(step / 1000) for step in range(1001)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.4) and rates[0] == pytest.approx(0.02) and rates[-1] == pytest.approx(0)
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)


def test_images_grow_as_the_recipe_says():
    recipe = Recipe(epochs=6, sizes=((16, 2), (24, 1)))
    assert [recipe.size(epoch) for epoch in range(6)] == [16, 16, 24, 32, 32, 32]
    assert Recipe(epochs=2).size(1) == 32


@pytest.mark.parametrize("fields, sentence", [
    ({"epochs": 0}, "epochs must be at least 1, not 0"), ({"batch": 1}, "batch must be at least 2"), ({"images": 0}, "images must be at least 2"),
    ({"density": 0}, "the density must be above 0"), ({"filters": 1.5}, "the share of filters must be above 0 and at most 1, not 1.5"),
    ({"sizes": ((8, 1),)}, "1 epochs on 8 pixels"), ({"sizes": ((40, 1),)}, "16 to 32 pixels"), ({"sizes": ((16, 0),)}, "at least one epoch"),
    ({"epochs": 3, "sizes": ((16, 2), (24, 2))}, "more than the 3 of the whole training"),
    ({"rate": 0.0}, "rate must be above 0 and finite, not 0.0"), ({"rate": -0.1}, "rate must be above 0"), ({"rate": float("nan")}, "not nan"),
    ({"rate": float("inf")}, "not inf"), ({"momentum": 1.0}, "momentum must be at least 0 and below 1, not 1.0"), ({"momentum": -0.5}, "not -0.5"),
    ({"decay": -1.0}, "decay must be at least 0 and finite, not -1.0"), ({"smoothing": 2.0}, "smoothing must be at least 0 and below 1, not 2.0"),
    ({"seed": -1}, "seed must be 0 to 4294967295, not -1"), ({"seed": 1 << 64}, "seed must be 0 to 4294967295"),
    ({"schedule": "flat"}, "unknown schedule 'flat': choose one-cycle or cosine"), ({"precision": "fp8"}, "unknown precision 'fp8'")])
def test_a_recipe_of_no_use_is_refused(fields, sentence):
    with pytest.raises(UserError, match=sentence):
        Recipe(**fields)
