"""Worlds, by themselves and as environments of Gymnasium."""

import numpy as np
import pytest

import neuro

CORRIDOR = """
## A corridor that is left at its ends.
world Corridor(length: int = 7, cost = 0.01) {
    state at = floor(length / 2)
    state reward = 0
    let left = at == 0
    let right = at == length - 1
    on walk(step: int) {
        at = clip(at + step, 0, length - 1)
        reward = if right then 1 else -cost
    }
    done when left or right
}
world Noise { state x ~ normal(0, 1)   state reward = 0   on go(dx) { x += dx   reward = -abs(x) } }
"""


@pytest.fixture
def model():
    return neuro.compile(source=CORRIDOR)


def test_a_world_answers(model):
    assert model.models["Corridor"].kind == "world" and model.models["Corridor"].doc.strip().startswith("A corridor")
    w = model.world("Corridor", length=5)
    assert w.at == 2 and w.done is False
    w.act("walk", 1)
    assert w.at == 3 and w.reward == -0.01
    w.act("walk", 1)
    assert w.done is True and w.reward == 1
    w.reset()
    assert w.at == 2
    w.at = 1
    assert w.at == 1


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda m: m.world("Nope"), KeyError),
        (lambda m: m.world("Corridor", nope=1), neuro.NeuroError),
        (lambda m: m.world("Corridor").nope, neuro.NeuroError),
        (lambda m: m.world("Corridor").act("fly", 1), neuro.NeuroError),
        (lambda m: m.world("Corridor").act("walk"), neuro.NeuroError),
        (lambda m: m.world("Corridor").act("walk", 0.5), neuro.NeuroError),
        (lambda m: setattr(m.world("Corridor"), "length", 3), neuro.NeuroError),
    ],
)
def test_what_is_refused(model, call, error):
    with pytest.raises(error):
        call(model)


@pytest.mark.filterwarnings("ignore:.*Box observation space")
def test_gymnasium(model):
    import gymnasium
    from gymnasium.utils.env_checker import check_env

    from neuro.gym import Env

    env = Env(model, "Corridor", observe=["at", "length"], action="walk", actions=[-1, 1], length=5, max_steps=3)
    check_env(env, skip_render_check=True)
    assert isinstance(env.action_space, gymnasium.spaces.Discrete) and env.action_space.n == 2
    seen, _ = env.reset()
    assert seen.tolist() == [2, 5]
    assert env.step(1)[1:4] == (-0.01, False, False)
    assert env.step(0)[1:4] == (-0.01, False, False)
    assert env.step(1)[1:4] == (-0.01, False, True)
    env.reset()
    env.step(1)
    seen, reward, over, cut, _ = env.step(1)
    assert seen.tolist() == [4, 5] and reward == 1 and over and not cut
    with pytest.raises(ValueError):
        env.step(2)

    noise = Env(model, "Noise", observe="x", action="go", low=-1, high=1, done=None)
    first = noise.reset(seed=3)[0]
    assert np.array_equal(noise.reset(seed=3)[0], first) and not np.array_equal(noise.reset()[0], first)
    assert noise.step(np.array([0.5]))[2] is False
    with pytest.raises(TypeError):
        Env(model, "Noise", observe="x", action="go")
