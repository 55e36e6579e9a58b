"""Which photograph belongs to train, validation and test; those that share pixels stay together.

The competition's originals are 512-px crops, cut out of larger photographs at stride 256 and
differing in the two outermost rows and columns only. Crops of one photograph therefore share whole
blocks of the 64-px grid, and groups are the connected components of sharing. Crops of one scene
that share no block (two shots of it, or a crop off the grid) are not recognized.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.types import Photo

Keys = NDArray[np.uint64]
Groups = NDArray[np.intp]

BLOCK = 64  # px; a divisor of the stride at which the competition's crops were cut
TEXTURE = 16  # gray levels in a block; sky, black borders and the like have fewer
TRAIN = "train"


def pixel_keys(photo: Photo, block: int = BLOCK) -> Keys:
    """Keys of what an `(H, W, 3)` uint8 RGB photo shows: equal pixels, equal keys.

    One key for the whole photo and one for each full block of `block` x `block` px on the grid from
    its top left corner that has at least `TEXTURE` gray levels; `(K,)` uint64, sorted, unique.
    """
    height, width = photo.shape[:2]
    keys = [_key(photo)]
    gray = to_luma(photo)
    for top in range(0, height - block + 1, block):
        for left in range(0, width - block + 1, block):
            part = (slice(top, top + block), slice(left, left + block))
            if np.count_nonzero(np.bincount(gray[part].ravel(), minlength=256)) >= TEXTURE:
                keys.append(_key(photo[part]))
    return np.unique(np.array(keys, dtype=np.uint64))


def _key(part: Photo) -> int:
    shape = str(part.shape).encode()
    return int.from_bytes(blake2b(part.tobytes(), digest_size=8, key=shape).digest(), "big")


def groups(keys: Sequence[Keys], given: Sequence[str | None]) -> Groups:
    """The group of each photo, `(N,)`: photos that share a key or a given group, in chains too.

    Groups are numbered by their first photo. `given` are the groups that the source names.
    """
    count = len(keys)
    photos, shared = _incidence(keys)
    names = {name: place for place, name in enumerate(dict.fromkeys(filter(None, given)))}
    known = [(photo, names[name]) for photo, name in enumerate(given) if name]
    extra = np.array(known, dtype=np.intp).reshape(-1, 2)
    nodes = np.concatenate([shared, extra[:, 1] + _size(shared)])
    return _components(np.concatenate([photos, extra[:, 0]]), nodes, count)


def assign(
    group: Groups,
    shares: Mapping[str, float],
    limit: int,
    generator: np.random.Generator,
) -> list[str]:
    """The split of each photo: a name in `shares`, or train.

    Each split of `shares` gets whole groups, in random order, as long as each brings it nearer to
    its share of the photos or `limit`, whichever is less. A share above 0 gets a group at least;
    the largest group always trains.

    Args:
        group: `(N,)`, the group of each photo.
        shares: split to its share of the photos in [0, 1].
        limit: photos at most in one split of `shares`.
        generator: decides the order; same state, same splits.

    Raises:
        UserError: too few groups, or every group that is left is larger than `limit`.
    """
    wanted = {name: share for name, share in shares.items() if share > 0}
    sizes = np.bincount(group)
    if len(sizes) <= len(wanted):
        raise UserError(
            f"photographs: {len(group)} in {len(sizes)} group(s) that share no pixels, expected at "
            f"least {len(wanted) + 1} for train and {' and '.join(wanted)}; add photographs, or "
            f"set {' or '.join(f'data.{name}' for name in wanted)} to 0"
        )
    split_of = dict.fromkeys(range(len(sizes)), TRAIN)
    free = [int(number) for number in generator.permutation(len(sizes))]
    free.remove(int(sizes.argmax()))
    for place, (name, share) in enumerate(wanted.items()):
        still_wanted = len(wanted) - place
        target = min(limit, share * len(group))
        held = 0
        for number in list(free):
            size = int(sizes[number])
            nearer = abs(held + size - target) < abs(held - target)
            if nearer and held + size <= limit and len(free) >= still_wanted:
                split_of[number] = name
                free.remove(number)
                held += size
        if not held:
            smallest = min(free, key=lambda number: sizes[number])
            if sizes[smallest] > limit:
                raise UserError(
                    f"params.yaml: data.held_out_limit is {limit}, but the smallest group of "
                    f"photographs that share pixels has {sizes[smallest]}, expected room for it"
                )
            split_of[smallest] = name
            free.remove(smallest)
    return [split_of[int(number)] for number in group]


def bridges(keys: Sequence[Keys], given: Sequence[str | None], wanted: int) -> list[int]:
    """Photos to leave out so that the others fall into `wanted` groups; none if that is hopeless.

    Those that share pixels with most others go first, one by one, or of very many 1 % at a time.
    At most half of the photos are given up.
    """
    kept = list(range(len(keys)))
    while len(kept) * 2 >= len(keys) and kept:
        found = groups([keys[photo] for photo in kept], [given[photo] for photo in kept])
        if len(np.unique(found)) >= wanted:
            return sorted({*range(len(keys))} - {*kept})
        neighbors = _neighbors([keys[photo] for photo in kept])
        most = np.argsort(-neighbors, kind="stable")[: max(1, len(kept) // 100)]
        kept = [photo for place, photo in enumerate(kept) if place not in set(most.tolist())]
    return []


def check_no_leak(keys: Sequence[Keys], splits: Sequence[str], files: Sequence[str]) -> None:
    """Make sure that no two photos of different splits share a key.

    Raises:
        UserError: two do; both files and their splits are named.
    """
    photos, shared = _incidence(keys)
    order = np.argsort(shared, kind="stable")
    number = {name: place for place, name in enumerate(dict.fromkeys(splits))}
    split = np.array([number[name] for name in splits], dtype=np.intp)
    before, after = photos[order[:-1]], photos[order[1:]]
    same_key = shared[order[:-1]] == shared[order[1:]]
    leaks = np.flatnonzero(same_key & (split[before] != split[after]))
    if leaks.size:
        first, second = int(before[leaks[0]]), int(after[leaks[0]])
        raise UserError(
            f"{files[first]} ({splits[first]}) and {files[second]} ({splits[second]}) share "
            "pixels, expected the splits to share none; remove one of the two"
        )


def _incidence(keys: Sequence[Keys]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`(K,)` photo numbers and `(K,)` key numbers, an entry for each key of each photo."""
    photos = np.repeat(np.arange(len(keys), dtype=np.intp), [len(each) for each in keys])
    every = np.concatenate([*keys, np.empty(0, dtype=np.uint64)])
    return photos, np.unique(every, return_inverse=True)[1].astype(np.intp)


def _size(numbers: NDArray[np.intp]) -> int:
    return int(numbers.max()) + 1 if numbers.size else 0


def _neighbors(keys: Sequence[Keys]) -> NDArray[np.intp]:
    """How many photos each photo shares a key with, itself included; `(N,)`."""
    from scipy.sparse import csr_array

    photos, shared = _incidence(keys)
    shape = (len(keys), _size(shared))
    has = csr_array((np.ones(len(photos), dtype=np.int32), (photos, shared)), shape)
    counts: NDArray[np.intp] = np.diff((has @ has.T).indptr)
    return counts


def _components(photos: NDArray[np.intp], nodes: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    total = count + _size(nodes)
    links = coo_array((np.ones(len(photos), dtype=bool), (photos, nodes + count)), (total, total))
    label = connected_components(links, directed=False)[1][:count]
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number]
