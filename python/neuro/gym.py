"""Worlds of Neuro as environments of Gymnasium (`pip install gymnasium`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

try:
    import gymnasium
except ImportError as e:
    raise ImportError("neuro.gym needs Gymnasium: pip install gymnasium") from e

from ._model import Model

__all__ = ["Env"]


class Env(gymnasium.Env):
    """A `world` in which an agent of Python acts.

    >>> env = Env(model, "Corridor", observe=["at"], action="walk", actions=[-1, 1], length=9)

    Observations are what `observe` names, as one array of shape (numbers,). With `actions`, an action is the number of one of
    these (of several arguments, tuples); else it is an array with the arguments, from `low` to `high`. An episode ends when the world
    says so (`done`, unless it is None), or is cut off after `max_steps`. `reset(seed=…)` makes the world anew, `reset()` begins
    another episode.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self,
        model: Model,
        world: str,
        *,
        observe: Union[str, Sequence[str]],
        action: str,
        actions: Optional[Sequence[Any]] = None,
        low: Any = None,
        high: Any = None,
        reward: str = "reward",
        done: Optional[str] = "done",
        max_steps: Optional[int] = None,
        seed: Optional[int] = None,
        **parameters: Any,
    ) -> None:
        self._model, self._name, self._parameters = model, world, parameters
        self._observe = [observe] if isinstance(observe, str) else list(observe)
        self._action, self._reward, self._done = action, reward, done
        self._max_steps, self._steps = max_steps, 0
        if actions is not None:
            if low is not None or high is not None:
                raise TypeError("either actions= or low= and high= are needed, not both")
            self._actions: Optional[list[tuple]] = [tuple(np.atleast_1d(a)) for a in actions]
            self.action_space: Any = gymnasium.spaces.Discrete(len(self._actions))
        else:
            if low is None or high is None:
                raise TypeError("actions= or low= and high= are needed")
            self._actions = None
            self.action_space = gymnasium.spaces.Box(np.atleast_1d(low), np.atleast_1d(high), dtype=np.float64)
        self.world = model.world(world, seed=seed, **parameters)
        n = len(self._seen())
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (n,), np.float64)
        for name in filter(None, (reward, done)):
            getattr(self.world, name)

    def _seen(self) -> np.ndarray:
        return np.concatenate([np.atleast_1d(getattr(self.world, name)).astype(np.float64) for name in self._observe])

    def reset(self, *, seed: Optional[int] = None, options: Optional[dict] = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        if options:
            raise ValueError(f"there are no options: {', '.join(options)}")
        if seed is None:
            self.world.reset()
        else:
            self.world = self._model.world(self._name, seed=seed, **self._parameters)
        self._steps = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        if self._actions is None:
            args = tuple(np.atleast_1d(action))
        elif not self.action_space.contains(action):
            raise ValueError(f"an action is a whole number from 0 to {len(self._actions) - 1}, not {action!r}")
        else:
            args = self._actions[int(action)]
        self.world.act(self._action, *args)
        self._steps += 1
        over = bool(getattr(self.world, self._done)) if self._done else False
        cut = self._max_steps is not None and self._steps >= self._max_steps and not over
        return self._seen(), float(getattr(self.world, self._reward)), over, cut, {}
