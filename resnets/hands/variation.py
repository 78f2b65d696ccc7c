"""How much rendered pictures differ from each other, and the pictures of one sitting."""

import dataclasses

import numpy as np

from resnets_utils import DataError

BOUNDS = {"size": (0.1, 2), "tones": (0, 1), "spread": (0, 2)}


@dataclasses.dataclass(frozen=True)
class Variation:
    """How much the pictures differ from each other.

    Attributes:
        size: Smallest and largest side of the hand's box, as a share of the frame.
        outside: Largest part of that box beyond the frame's edge, as a share of the box.
        roll: Standard deviation of the turn in the picture's plane, degrees.
        tilt: Standard deviation of the turns out of that plane, degrees.
        spread: Least and greatest spread of stretched fingers; 1 is at ease, 0 is closed.
        back: Share of hands that show their back.
        sleeve: Share of forearms in a sleeve.
        tones: Lightest and darkest skin, on a scale from 0 to 1.
        clutter: Share of backgrounds that are not plain.
        colour: Share of plain backgrounds that are not about white.
        nearest: The least distance of the camera, in widths of the frame.
        lights: Largest number of lights.
        ceiling: Share of pictures with one wide, warm light from above instead, which fades down
            the wall.
        camera: Strength of white balance, exposure, vignette, blur, noise and JPEG; 1 is a cheap
            telephone.
        sessions: How often each sign sat for its pictures. Those of one sitting show nearly the
            same hand in nearly the same place, moments apart, as in SIGNS, and both parts of a
            set come from the same sittings. 0: a sitting for each picture.
    """

    size: tuple[float, float] = (0.5, 1.1)
    outside: float = 0.12
    roll: float = 13
    tilt: float = 12
    spread: tuple[float, float] = (0.0, 1.6)
    back: float = 0.08
    sleeve: float = 0.2
    tones: tuple[float, float] = (0.0, 1.0)
    clutter: float = 0.2
    colour: float = 0.4
    nearest: float = 1.4
    lights: int = 3
    ceiling: float = 0.2
    camera: float = 1.0
    sessions: int = 0

    def __post_init__(self):
        """Refuse what can't be drawn."""
        for name in ("size", "tones", "spread"):
            low, high = getattr(self, name)
            bottom, top = BOUNDS[name]
            if not bottom <= low <= high <= top:
                raise DataError(
                    f"Variation: {name} is {(low, high)}; give two numbers from {bottom} to {top}, "
                    "the lower one first."
                )
        for name in ("outside", "back", "sleeve", "clutter", "colour", "ceiling"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"Variation: {name} is {getattr(self, name)}; give 0 to 1.")
        if min(self.roll, self.tilt) < 0 or not 0 <= self.camera <= 1.3:
            raise DataError(
                f"Variation: roll {self.roll}, tilt {self.tilt}, camera {self.camera}; give 0 or "
                "more, and a camera of 1.3 at most."
            )
        if not 1 <= self.nearest <= 5 or self.lights not in (1, 2, 3):
            raise DataError(
                f"Variation: nearest {self.nearest}, lights {self.lights}; give 1 to 5, and 1, 2 "
                "or 3 lights."
            )
        if not isinstance(self.sessions, int) or self.sessions < 0:
            raise DataError(
                f"Variation: sessions is {self.sessions}; give a whole number of 0 or more."
            )


ANY = Variation()
# In SIGNS's own manner: one camera, a pale wall in a warm light from above, the palm to the viewer,
# skin of middle tones, an arm from below, and several pictures of a hand in one place: as in SIGNS,
# the most similar other picture of the training set mostly shows the same sign.
LIKE_SIGNS = Variation(
    size=(0.6, 0.95),
    outside=0.05,
    roll=18,
    tilt=12,
    back=0,
    sleeve=0,
    clutter=0,
    colour=0,
    nearest=2.2,
    tones=(0.45, 0.75),
    lights=1,
    ceiling=1,
    camera=0.2,
    sessions=24,
)


class Moment:
    """Random numbers of one moment: those of its session, a little off.

    What is counted or chosen stays; what is measured differs by a share of the way to a number
    of the moment's own. Over many sessions normal numbers have their mean and deviation, uniform
    ones their range.
    """

    def __init__(self, session: np.random.Generator, own: np.random.Generator, share: float):
        """Take both generators, and how far a moment departs from its session, 0 to 1."""
        self.session, self.own, self.share = session, own, share
        self.random, self.choice, self.integers = session.random, session.choice, session.integers

    def uniform(self, low=0.0, high=1.0, size=None) -> np.ndarray:
        """Return numbers from low to high, as a generator does."""
        kept, new = (rng.uniform(low, high, size) for rng in (self.session, self.own))
        return kept + self.share * (new - kept)

    def normal(self, mean=0.0, deviation=1.0, size=None) -> np.ndarray:
        """Return numbers about a mean, as a generator does."""
        kept, new = (rng.normal(0, deviation, size) for rng in (self.session, self.own))
        return mean + np.sqrt(1 - self.share**2) * kept + self.share * new
