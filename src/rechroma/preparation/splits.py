"""Splits without leaks: photographs that share pixels go to one split.

The competition's targets are 512-px crops of larger photographs at stride 256; only the two
outermost rows and columns differ from the photograph. Crops of one photograph therefore share whole
blocks of the 64-px grid, and a group is a connected component of photographs that share blocks.
Crops of one scene that share no block (two shots of it, or a crop off the grid) are not recognized.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.types import Photo

Keys = NDArray[np.uint64]  # (K,) of one photograph
Groups = NDArray[np.intp]  # (N,) a group number for each photograph

BLOCK = 64  # px; a divisor of the stride at which the competition's crops were cut
TEXTURE = 16  # gray levels in a block; sky, black borders and the like have fewer
TRAIN, VALIDATION, TEST = "train", "validation", "test"
HELD_OUT = (VALIDATION, TEST)


def pixel_keys(photo: Photo, block: int = BLOCK) -> Keys:
    """Hash keys of a photo and of its blocks: equal pixels have equal keys.

    Args:
        photo: `(H, W, 3)` uint8 RGB.
        block: side of the blocks, px, on the grid from the top left corner.

    Returns:
        `(K,)` uint64, sorted, unique: a key of the whole photo and one of each complete block with
        at least `TEXTURE` gray levels.
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


def group_photos(keys: Sequence[Keys], source_groups: Sequence[str | None]) -> Groups:
    """The group of each photo: photos that share a key or a source group, directly or in a chain.

    Args:
        keys: of each photo.
        source_groups: the group in which the source itself puts each photo, or None.

    Returns:
        `(N,)`, groups numbered in the order of their first photos.
    """
    # A graph of photos on one side, keys and source groups on the other; an edge for each pair.
    photos, key_numbers = _key_edges(keys)
    names = {name: number for number, name in enumerate(dict.fromkeys(filter(None, source_groups)))}
    named = [(photo, names[name]) for photo, name in enumerate(source_groups) if name]
    edges = np.array(named, dtype=np.intp).reshape(-1, 2)  # (E, 2), photo and source group
    nodes = np.concatenate([key_numbers, edges[:, 1] + _count(key_numbers)])
    return _components(np.concatenate([photos, edges[:, 0]]), nodes, len(keys))


def assign_splits(
    group: Groups,
    shares: Mapping[str, float],
    limit: int,
    generator: np.random.Generator,
) -> list[str]:
    """Draw the split of each photo: a name in `shares`, or train.

    Each split of `shares` gets whole groups, in random order, as long as each brings it nearer to
    its share of the photos or `limit`, whichever is less. A split with a share above 0 gets at
    least one group; the largest group always trains.

    Args:
        group: `(N,)`, the group of each photo.
        shares: the share of the photos in [0, 1] of each split.
        limit: photos, at most, in one split of `shares`.
        generator: draws the order of the groups; same state, same splits.

    Returns:
        N names.

    Raises:
        UserError: too few groups, or every remaining group is larger than `limit`.
    """
    wanted = {name: share for name, share in shares.items() if share > 0}
    sizes = np.bincount(group)
    if len(sizes) <= len(wanted):
        raise UserError(
            f"photographs: {len(group)} in {len(sizes)} group(s) that share no pixels, expected at "
            f"least {len(wanted) + 1} for train and {' and '.join(wanted)}; add photographs, or "
            f"set {' or '.join(f'data.{name}' for name in wanted)} to 0"
        )
    # All groups train at first; all but the largest may be held out, in random order.
    split_of = dict.fromkeys(range(len(sizes)), TRAIN)
    available = [int(number) for number in generator.permutation(len(sizes))]
    available.remove(int(sizes.argmax()))
    for index, (name, share) in enumerate(wanted.items()):
        unfilled = len(wanted) - index  # splits without a group so far
        goal = min(limit, share * len(group))  # photos
        count = 0
        # Take groups that bring the count nearer to the goal; leave one for each later split.
        for number in list(available):
            size = int(sizes[number])
            nearer = abs(count + size - goal) < abs(count - goal)
            if nearer and count + size <= limit and len(available) >= unfilled:
                split_of[number] = name
                available.remove(number)
                count += size
        # Where every group is far larger than the goal, take the smallest.
        if not count:
            smallest = min(available, key=lambda number: sizes[number])
            if sizes[smallest] > limit:
                raise UserError(
                    f"params.yaml: data.held_out_limit is {limit}, but the smallest group of "
                    f"photographs that share pixels has {sizes[smallest]}, expected room for it"
                )
            split_of[smallest] = name
            available.remove(smallest)
    return [split_of[int(number)] for number in group]


def find_bridges(
    keys: Sequence[Keys], source_groups: Sequence[str | None], wanted: int
) -> list[int]:
    """Photos without which the others form at least `wanted` groups.

    Photos that share pixels with most others are taken first, one by one, or 1 % at a time where
    there are very many; at most half of all photos.

    Args:
        keys: of each photo.
        source_groups: as for `group_photos`.
        wanted: number of groups.

    Returns:
        Their numbers, ascending; empty if half of the photos are not enough.
    """
    remaining = list(range(len(keys)))
    while len(remaining) * 2 >= len(keys) and remaining:
        groups = group_photos(
            [keys[photo] for photo in remaining], [source_groups[photo] for photo in remaining]
        )
        if len(np.unique(groups)) >= wanted:
            return sorted({*range(len(keys))} - {*remaining})
        neighbors = _neighbor_counts([keys[photo] for photo in remaining])
        most = set(np.argsort(-neighbors, kind="stable")[: max(1, len(remaining) // 100)].tolist())
        remaining = [photo for index, photo in enumerate(remaining) if index not in most]
    return []


def check_no_leak(keys: Sequence[Keys], splits: Sequence[str], files: Sequence[str]) -> None:
    """Check that no two photos of different splits share a key.

    Args:
        keys: of each photo.
        splits: of each photo.
        files: name of each photo, in the error.

    Raises:
        UserError: two do; the message names both files and their splits.
    """
    # Sort the pairs of photo and key by key: photos that share a key then are neighbors.
    photos, key_numbers = _key_edges(keys)
    order = np.argsort(key_numbers, kind="stable")
    before, after = photos[order[:-1]], photos[order[1:]]
    same_key = key_numbers[order[:-1]] == key_numbers[order[1:]]
    # A leak is such a pair of neighbors in different splits.
    numbers = {name: number for number, name in enumerate(dict.fromkeys(splits))}
    split = np.array([numbers[name] for name in splits], dtype=np.intp)  # (N,)
    leaks = np.flatnonzero(same_key & (split[before] != split[after]))
    if leaks.size:
        first, second = int(before[leaks[0]]), int(after[leaks[0]])
        raise UserError(
            f"{files[first]} ({splits[first]}) and {files[second]} ({splits[second]}) share "
            "pixels, expected the splits to share none; remove one of the two"
        )


def _key_edges(keys: Sequence[Keys]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`(E,)` photo numbers and `(E,)` key numbers, an entry for each key of each photo."""
    photos = np.repeat(np.arange(len(keys), dtype=np.intp), [len(each) for each in keys])
    every = np.concatenate([*keys, np.empty(0, dtype=np.uint64)])
    return photos, np.unique(every, return_inverse=True)[1].astype(np.intp)


def _count(numbers: NDArray[np.intp]) -> int:
    """The length of the range that starts at 0 and ends with the largest number."""
    return int(numbers.max()) + 1 if numbers.size else 0


def _neighbor_counts(keys: Sequence[Keys]) -> NDArray[np.intp]:
    """`(N,)` number of photos with which each photo shares a key, itself included."""
    from scipy.sparse import csr_array

    photos, key_numbers = _key_edges(keys)
    shape = (len(keys), _count(key_numbers))
    has = csr_array((np.ones(len(photos), dtype=np.int32), (photos, key_numbers)), shape)
    counts: NDArray[np.intp] = np.diff((has @ has.T).indptr)
    return counts


def _components(photos: NDArray[np.intp], nodes: NDArray[np.intp], count: int) -> Groups:
    """`(count,)` connected component of each photo in the graph with edges (photo, node)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    total = count + _count(nodes)
    links = coo_array((np.ones(len(photos), dtype=bool), (photos, nodes + count)), (total, total))
    label = connected_components(links, directed=False)[1][:count]
    # Number the components in the order of their first photos.
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number]
