"""Where a trouble acts: the product, its clients, and what is found meanwhile."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.clients import Idp
from tests.faults.processes import Product


@dataclass
class Scene:
    """What a trouble can reach."""

    product: Product
    idp: Idp
    chance: random.Random
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the clients have written everything: the trouble ends what it began."""

    figures: list[str] = field(default_factory=list)
    """What was measured, in words."""

    wrong: list[str] = field(default_factory=list)
    """What must not be."""


Trouble = Callable[[Scene], None]
"""Runs in a thread beside the clients, and leaves everything as it should be."""


def nothing(_scene: Scene) -> None:
    """Let the clients write undisturbed."""


@contextmanager
def beside(trouble: Trouble, scene: Scene) -> Iterator[None]:
    """Let the trouble run while the block does. What it raises is raised."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trouble, scene)
        try:
            yield
        finally:
            scene.stopping.set()
            running.result()
