import cv2
import numpy as np

from facetracker.core import hashing as fp


def noise(seed, shape=(60, 80, 3)):
    blobs = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(blobs, shape[1::-1], interpolation=cv2.INTER_CUBIC)


def test_small_changes_keep_the_fingerprint_and_other_photos_differ():
    photo = noise(0)
    brighter = cv2.convertScaleAbs(photo, alpha=0.9, beta=15)
    assert fp.distance(fp.fingerprint(photo), fp.fingerprint(brighter)) <= fp.NEAR
    others = [fp.distance(fp.fingerprint(photo), fp.fingerprint(noise(seed))) for seed in range(1, 20)]
    assert min(others) > fp.NEAR


def test_grey_and_colour_of_one_photo_agree():
    photo = noise(3)
    assert fp.fingerprint(photo) == fp.fingerprint(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY))


def test_pairs_and_groups_chain():
    prints = [0b0, 0b111, 0b111111, (1 << 63) | (0xFFFF << 20)]
    assert fp.near_pairs(prints, near=3) == [(0, 1), (1, 2)]
    assert fp.near_groups(prints, near=3) == [0, 0, 0, 3]
    assert fp.near_groups([], near=3) == []
