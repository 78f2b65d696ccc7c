"""The renderer of hands: what it draws, that it repeats, and how it refuses and goes on."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import render_hands
from PIL import Image

from resnets.hands import anatomy, camera, colour, rendering, variation
from resnets_utils import BUNDLED, ROOT, DataError

SCRIPT = ROOT / "tools" / "render_hands.py"
PLAIN = dataclasses.replace(variation.LIKE_SIGNS, camera=0, tilt=0, roll=0, size=(0.7, 0.7))


def rng(seed=0):
    return np.random.default_rng(seed)


# --- anatomy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", range(6))
def test_bones_keep_their_lengths(sign):
    """However a hand is posed, its bones are those of a hand, and its joints hold together."""
    for seed in range(30):
        shape = anatomy.hand(sign, variation.ANY, rng(seed))
        lengths = np.linalg.norm(shape.end - shape.start, axis=1)[shape.soft :]
        fingers, thumb = lengths[:12].reshape(4, 3), lengths[12:]
        shares = fingers / fingers.sum(axis=1, keepdims=True)
        # A broad hand is drawn out sideways, so a leaning bone grows a little.
        np.testing.assert_allclose(shares, np.tile(anatomy.BONES, (4, 1)), atol=0.02)
        np.testing.assert_allclose(thumb / anatomy.THUMB_BONES[1:], 1, atol=0.22)
        joined = shape.start[shape.soft + 1 : shape.soft + 12] - shape.end[shape.soft : -3]
        joined = np.delete(joined, [2, 5, 8], axis=0)  # from one finger to the next
        assert np.abs(joined).max() < 1e-9


@pytest.mark.parametrize("sign", range(6))
def test_joints_bend_no_farther_than_a_hand_s(sign):
    for seed in range(200):
        shape = anatomy.hand(sign, variation.ANY, rng(seed))
        bones = anatomy.unit(shape.end - shape.start)[shape.soft :]
        for first, limit in ((0, 125), (3, 125), (6, 125), (9, 125), (12, 100)):
            for i in range(first, min(first + 2, 13)):
                angle = np.degrees(np.arccos(np.clip(bones[i] @ bones[i + 1], -1, 1)))
                assert angle < limit, f"seed {seed}, bone {i}"


def stretched(sign, seed):
    """Return how far each finger's tip is from its root, as a share of its length: (4,)."""
    shape = anatomy.hand(sign, variation.ANY, rng(seed))
    first, last = shape.soft + np.arange(0, 12, 3), shape.soft + np.arange(2, 12, 3)
    lengths = np.linalg.norm(shape.end - shape.start, axis=1)[shape.soft : -2]
    span = np.linalg.norm(shape.end[last] - shape.start[first], axis=1)
    return span / lengths.reshape(4, 3).sum(axis=1)


@pytest.mark.parametrize(
    ("sign", "fingers"),
    [
        (1, {(1, 0, 0, 0)}),
        (2, {(1, 1, 0, 0)}),
        (3, {(1, 1, 0, 0), (1, 1, 1, 0)}),
        (4, {(1, 1, 1, 1)}),
        (5, {(1, 1, 1, 1)}),
    ],
)
def test_a_sign_stretches_its_fingers_and_bends_the_others(sign, fingers):
    seen = set()
    for seed in range(40):
        spans = stretched(sign, seed)
        assert not ((spans > 0.78) & (spans < 0.88)).any(), "neither stretched nor bent"
        seen.add(tuple(int(v) for v in spans > 0.83))
    assert seen == fingers


def test_in_the_ring_the_thumb_comes_near_the_index_finger():
    gaps = []
    for seed in range(40):
        shape = anatomy.hand(0, variation.ANY, rng(seed))
        gaps.append(np.linalg.norm(shape.end[-1] - shape.end[shape.soft + 2]))
    assert np.median(gaps) < 0.3 and max(gaps) < 0.8


# --- geometry -------------------------------------------------------------------------------------


def one_capsule():
    ends = np.array([[0.0, 0, 0]]), np.array([[0.0, 1, 0]])
    radius, looks = np.array([[0.2, 0.1]]), np.array([[0.0, 0, 1]])
    return anatomy.Shape(*ends, radius, looks, 1, np.array([1]))


def test_distance_to_a_capsule():
    points = np.array([[0.5, 0, 0], [0, -1, 0], [0, 3, 0], [0, 0.5, 1], [0, 0.5, 0]], np.float32)
    np.testing.assert_allclose(
        rendering.Field(one_capsule())(points), [0.3, 0.8, 1.9, 0.85, -0.15], atol=1e-4
    )


def test_melting_is_never_farther_than_the_nearest_and_close_to_it():
    shape = anatomy.hand(5, variation.ANY, rng())
    field = rendering.Field(shape)
    points = rng(1).normal(0, 1, (500, 3)).astype(np.float32)
    nearest, melted = field.parts(points)[0].min(axis=1), field(points)
    assert (melted <= nearest + 1e-5).all() and (melted >= nearest - 0.15).all()


def test_the_camera_sees_a_capsule_where_it_is():
    """A sphere at the origin is a disc of the size that similar triangles give."""
    shape = dataclasses.replace(one_capsule(), end=np.zeros((1, 3)), radius=np.full((1, 2), 0.3))
    n, distance, scale = 128, 8.0, 0.5
    _, seen, points = rendering.look(rendering.Field(shape), distance, scale, n)
    radius = 0.3 * distance / np.sqrt(distance**2 - 0.3**2) * scale * n  # of the outline, in lines
    assert abs(len(seen) - np.pi * radius**2) < 0.08 * np.pi * radius**2
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 0.3, atol=0.02)
    rows, columns = np.divmod(seen, n)
    assert abs(rows.mean() - (n - 1) / 2) < 0.5 and abs(columns.mean() - (n - 1) / 2) < 0.5


def test_a_shadow_lies_behind_and_only_there():
    up = np.array([0.0, 0, 1])
    points = np.array([[0, 0.5, -1], [1, 0.5, -1], [0, 0.5, 1], [0, 0.5, 0.15]], np.float32)
    lit = rendering.shade(one_capsule(), points, up, 0.1)
    np.testing.assert_allclose(lit, [0, 1, 1, 1], atol=1e-3)


def test_a_wide_light_makes_a_soft_shadow():
    points = np.stack([np.linspace(0, 1, 50), np.full(50, 0.5), np.full(50, -2)], axis=1)
    sharp, soft = (
        rendering.shade(one_capsule(), points.astype(np.float32), np.array([0, 0, 1.0]), width)
        for width in (0.02, 0.4)
    )
    between = [np.count_nonzero((lit > 0.05) & (lit < 0.95)) for lit in (sharp, soft)]
    assert between[1] > 5 * max(between[0], 1)
    assert (np.diff(soft) >= -1e-6).all(), "light grows away from the capsule"


# --- pictures -------------------------------------------------------------------------------------


def test_a_picture_follows_from_its_numbers():
    one = rendering.picture(0, 7, 3)
    assert one.shape == (64, 64, 3) and one.dtype == np.uint8
    np.testing.assert_array_equal(one, rendering.picture(0, 7, 3))
    for other in (
        rendering.picture(1, 7, 3),
        rendering.picture(0, 8, 3),
        rendering.picture(0, 7, 2),
    ):
        assert np.abs(one.astype(int) - other).mean() > 3


def test_pictures_of_a_session_are_alike():
    how = dataclasses.replace(variation.LIKE_SIGNS, sessions=5)
    small = [
        rendering.picture(0, index, 4, how).reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
        for index in (0, 6 * 5, 12 * 5, 6, 12, 18)  # three of the session 0, then one of others
    ]
    off = [np.sqrt(np.mean((small[0] - other) ** 2)) for other in small[1:]]
    assert min(off) > 1, "a copy"
    assert max(off[:2]) < min(off[2:])


def test_a_moment_stays_near_its_session():
    def moment(share, seed=1):
        return variation.Moment(rng(0), rng(seed), share)

    np.testing.assert_array_equal(moment(0).normal(3, 2, 50), rng(0).normal(3, 2, 50))
    np.testing.assert_array_equal(moment(1).uniform(2, 5, 50), rng(1).uniform(2, 5, 50))
    between = moment(0.25).uniform(2, 5, 1000)
    assert between.min() >= 2 and between.max() <= 5
    assert 0 < np.abs(between - rng(0).uniform(2, 5, 1000)).max() <= 0.25 * 3
    of_many = [variation.Moment(rng(a), rng(a + 1000), 0.25).normal(3, 2) for a in range(1000)]
    assert abs(np.std(of_many) - 2) < 0.15, "sessions vary as pictures without them"
    same = [moment(0.25, seed) for seed in (1, 2)]
    for ask in (lambda m: m.random(), lambda m: m.choice(9), lambda m: m.integers(2, 90)):
        assert ask(same[0]) == ask(same[1]), "what is chosen stays"


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_palm_has_lines_and_is_plain_between_them(mirror):
    shape = anatomy.hand(5, variation.ANY, rng(0)).moved(np.diag([mirror, 1.0, 1.0]))
    shape = shape.moved(anatomy.rotation(20, 10, 40), 1.0)
    index, little = shape.end[0], shape.end[3]
    wrist = shape.start[:4].mean(axis=0)
    up = shape.end[:4].mean(axis=0) - wrist
    along = np.linspace(0, 1, 200)[:, None]
    points = wrist + along * up + 0.3 * (little - index)  # from the wrist to the little finger
    dark = np.mean([colour.palm_lines(shape, points, rng(seed)) for seed in range(40)], axis=0)
    assert dark.min() < 0.03 and dark.max() > 0.12
    lines = np.array([0.0, 0.42, 0.72])  # wrist, head and heart, as far up as they lie there
    assert all(np.abs(lines - t).min() < 0.12 for t in along[dark > 0.12, 0])


def test_size_is_free():
    assert rendering.picture(0, 7, 3, size=96).shape == (96, 96, 3)


def hand_pixels(sign, how, index, monkeypatch):
    """Return where the hand is in a picture: (64, 64) bool."""
    found = {}
    real = rendering.look

    def look(field, distance, scale, n):
        found["n"], found["seen"] = n, real(field, distance, scale, n)
        return found["seen"]

    monkeypatch.setattr(rendering, "look", look)
    rendering.picture(0, index, sign, how)
    mask = np.zeros(found["n"] ** 2, bool)
    mask[found["seen"][1]] = True
    return mask.reshape(64, 2, 64, 2).mean(axis=(1, 3)) > 0.5


@pytest.mark.parametrize("sign", range(6))
def test_every_picture_shows_a_hand(sign, monkeypatch):
    shares = [hand_pixels(sign, variation.ANY, i, monkeypatch).mean() for i in range(8)]
    assert min(shares) > 0.04 and max(shares) < 0.9


def test_size_says_how_much_of_the_frame_a_hand_fills(monkeypatch):
    small, large = (dataclasses.replace(PLAIN, size=(s, s), outside=0) for s in (0.4, 0.8))
    ratio = [
        hand_pixels(5, large, i, monkeypatch).sum() / hand_pixels(5, small, i, monkeypatch).sum()
        for i in range(4)
    ]
    assert 2.5 < np.median(ratio) < 4.5, "twice the side is four times the area"


def test_tones_go_from_light_to_dark():
    bright = []
    for tone in (0.0, 0.5, 1.0):
        back, palm = colour.skin(tone, rng())
        assert (palm[0] > palm[2]) and (back[0] > back[2]), "skin is reddish"
        bright.append(back.mean())
    assert bright[0] > 2 * bright[1] > 4 * bright[2]


def test_a_light_that_fades_leaves_the_far_side_of_the_wall_darker(monkeypatch):
    shape = anatomy.hand(0, PLAIN, rng())
    monkeypatch.setattr(rendering, "shade", lambda shape, points, way, width: np.ones(len(points)))
    ways, _, _ = rendering.look(rendering.Field(shape), distance=6, scale=0.2, n=64)

    def wall(fade):
        lamp = rendering.Light(rendering.direction(0.5 * np.pi, 0.7), np.ones(3), 0.3, fade)
        light = [lamp], np.zeros(3)
        return rendering.background(rendering.Field(shape), ways, 6, 32, light, PLAIN, rng())

    left = (wall(0.6) / wall(0)).reshape(64, 64, 3).mean(axis=(1, 2))
    assert abs(left[0] - 1) < 0.05 and abs(left[-1] - 0.4) < 0.05
    assert (np.diff(left) <= 1e-6).all()


def test_a_ceiling_s_light_comes_from_above_and_is_warm():
    how = dataclasses.replace(variation.ANY, ceiling=1)
    for seed in range(10):
        (lamp,), everywhere = rendering.lamps(how, rng(seed))
        assert lamp.way[1] > 0.2 and lamp.way[2] > 0.5 and lamp.fade > 0.2
        assert lamp.colour[0] > lamp.colour[2] and everywhere[0] > everywhere[2]


def test_blur_keeps_the_light():
    picture = rng().random((40, 40))
    assert abs(camera.blur(picture, 2.0).mean() - picture.mean()) < 0.01
    assert camera.blur(picture, 2.0).std() < 0.3 * picture.std()
    np.testing.assert_array_equal(camera.blur(np.ones((8, 8)), 3).round(6), np.ones((8, 8)))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"size": (0.9, 0.5)}, "size"),
        ({"size": (0, 0.5)}, "size"),
        ({"camera": 2}, "camera"),
        ({"nearest": 0.5}, "nearest"),
        ({"tones": (0, 1.5)}, "tones"),
        ({"back": 2}, "back"),
        ({"ceiling": -0.1}, "ceiling"),
        ({"camera": -1}, "camera"),
        ({"lights": 0}, "lights"),
        ({"lights": 4}, "lights"),
        ({"sessions": -1}, "sessions"),
        ({"sessions": 2.5}, "sessions"),
    ],
)
def test_impossible_variations_are_refused(changes, word):
    with pytest.raises(DataError, match=word):
        variation.Variation(**changes)


@pytest.mark.parametrize("sign", [6, -1, "fist", 2.5])
def test_unknown_signs_are_refused(sign):
    with pytest.raises(DataError, match="0 to 5"):
        rendering.picture(0, 0, sign)


@pytest.mark.parametrize("arguments", [(-1, 0, 0), (0, -1, 0)])
def test_negative_numbers_are_refused(arguments):
    with pytest.raises(DataError, match="give 0 or more"):
        rendering.picture(*arguments)


@pytest.mark.parametrize("size", [0, 30, 65])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(DataError, match="32 or more"):
        rendering.picture(0, 0, 0, size=size)


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "--train", "0"], "train is 0"),
        (["set", "--seed=-1"], "'-1' is not a whole number"),
        (["set", "--style", "van-gogh"], "invalid choice"),
        (["fist"], "invalid choice"),
        (["set", "--out", str(SCRIPT)], "could not be written"),
        (["picture", "--sign", "6"], "the sign is 6; give a digit from 0 to 5"),
        (["picture", "--size", "31"], "an even size of 32 or more"),
        (["picture", "--out", "hand"], "expected .png or .jpg"),
        (["sheet", "--out", "hands.h5"], "expected .png or .jpg"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_the_sheet_shows_both(capsys):
    image = np.asarray(render_hands.sheet(0, PLAIN, columns=2))
    assert image.shape == (6 * 128, 4 * 128, 3)
    drawn = np.kron(rendering.picture(0, 2 * 5 + 1, 5, PLAIN), np.ones((2, 2, 1)))
    assert np.abs(image[-128:, 128:256] - drawn).mean() < 15, "resizing smooths a little"
    shown = image[1::2, 256::2].reshape(6, 64, 2, 64, 3)
    assert shown.std(axis=(1, 3)).min() > 5
    assert BUNDLED.name in capsys.readouterr().err


def test_a_picture_is_written_whole(tmp_path, monkeypatch):
    out = tmp_path / "new" / "hand.png"
    arguments = ["picture", "--style", "signs", "--seed", "2", "--index", "3", "--sign", "4"]
    assert render_hands.main([*arguments, "--out", str(out)]) == 0
    with Image.open(out) as image:
        np.testing.assert_array_equal(image, rendering.picture(2, 3, 4, variation.LIKE_SIGNS))
    before = out.read_bytes()

    def half(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", half)
    assert render_hands.main([*arguments, "--out", str(out)]) == 2
    assert (list(out.parent.iterdir()), out.read_bytes()) == ([out], before)


# --- what pixels show -----------------------------------------------------------------------------


def test_parts_lie_where_the_picture_has_them():
    """A hand before a plain wall: what is no background is what differs from the wall."""
    plain = dataclasses.replace(variation.LIKE_SIGNS, camera=0, ceiling=0, tones=(0.9, 0.9))
    for index, sign in ((1, 5), (2, 1)):
        image = rendering.picture(6, index, sign, plain).astype(float)
        shown = rendering.parts(6, index, sign, plain)
        assert shown.shape == (64, 64) and set(np.unique(shown)) <= {0, 1, 2, 3}
        hand = image[shown != rendering.BACKGROUND].mean(axis=0)
        wall = np.median(image[shown == rendering.BACKGROUND], axis=0)
        to_hand, to_wall = (np.abs(image - colour).sum(axis=2) for colour in (hand, wall))
        assert np.mean((to_hand < to_wall) == (shown != rendering.BACKGROUND)) > 0.93
        counts = np.bincount(shown.ravel(), minlength=4)
        assert counts[rendering.FINGER] > 100 and counts[rendering.PALM] > 50
        rows = [np.nonzero(shown == part)[0].mean() for part in (rendering.FINGER, rendering.PALM)]
        assert rows[0] < rows[1]  # fingers point up


def test_parts_refuse_what_a_picture_refuses():
    with pytest.raises(DataError, match="digit from 0 to 5"):
        rendering.parts(0, 0, 6)
