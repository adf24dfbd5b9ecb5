"""The objects of an HDF5 file that hold their own data: the format lets a file refer to any other of the machine."""

from __future__ import annotations

from math import ceil, prod
from pathlib import Path

import h5py

from stlora.data.readers.numpy_file import FREE_SIZE, MAX_EXPANSION
from stlora.errors import InputError

_DEEPEST = 8
_INSTEAD = "write the data into the file itself"


def member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """The group or array of that name.

    Raises:
        InputError: there is none; it is a link to another place, or its values lie in another file; or it is an array
            that was never written whole, that unpacks to far more than the file holds, or that h5py cannot unpack.
    """
    where = f"{group.name.rstrip('/')}/{name}"
    link = group.get(name, getlink=True)
    if link is None:
        raise InputError(f"has no {where!r}; the file is damaged or of another layout, get it again")
    if not isinstance(link, h5py.HardLink):
        target = getattr(link, "filename", "") or link.path
        raise InputError(f"{where!r} is a link to {str(target)[:100]!r}, which is not followed; {_INSTEAD}")
    found = group[name]
    if isinstance(found, h5py.Dataset):
        _check_array(found, where)
    return found


def array(group: h5py.Group, name: str) -> h5py.Dataset:
    """As :func:`member`, for an array.

    Raises:
        InputError: as there, or it is no array.
    """
    found = member(group, name)
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{found.name!r} is no array; the file is damaged or of another layout, get it again")
    return found


def frames(group: h5py.Group) -> dict[str, h5py.Group]:
    """All data frames of pandas in a group and the groups below it, by their paths without the first slash."""
    found: dict[str, h5py.Group] = {}
    seen = set()
    below = [(group, 0)]
    while below:
        parent, depth = below.pop(0)
        for name in parent:
            if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
                continue
            child = parent[name]
            address = h5py.h5o.get_info(child.id).addr
            if not isinstance(child, h5py.Group) or address in seen:  # a group may hold itself
                continue
            seen.add(address)
            if "pandas_type" in child.attrs:
                found[f"{parent.name.strip('/')}/{name}".strip("/")] = child
            elif depth < _DEEPEST:
                below.append((child, depth + 1))
    return found


def listing(group: h5py.Group) -> str:
    """What a group holds, for a message: five names, and which of them are links."""
    names = []
    for name in list(group)[:5]:
        link = "" if isinstance(group.get(name, getlink=True), h5py.HardLink) else " (a link, which is not followed)"
        names.append(f"{f'/{name}'[:60]!r}{link}")
    return (", ".join(names) or "nothing") + (f" and {len(group) - 5} more" if len(group) > 5 else "")


def _check_array(found: h5py.Dataset, where: str) -> None:
    if found.is_virtual or found.external:
        raise InputError(f"the values of {where!r} lie in another file, which is not read; {_INSTEAD}")
    if found.shape is None or found.size == 0:
        return
    properties = found.id.get_create_plist()
    for i in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(i)
        if not h5py.h5z.filter_avail(code):
            known = name.decode("ascii", errors="replace").split("\0")[0][:40] or code
            raise InputError(
                f"{where!r} is compressed by {str(known)!r}, which h5py does not know; write it again with "
                "complib='zlib' or without compression"
            )
    size = Path(found.file.filename).stat().st_size
    chunk = prod(found.chunks) * found.dtype.itemsize if found.chunks else 0  # of no more use than the array itself
    for declared in (found.nbytes, chunk):
        if declared > max(FREE_SIZE, MAX_EXPANSION * size):
            raise InputError(f"declares {declared} bytes in a file of {size}, which no measurements do; get it again")
    if found.chunks:
        chunks = prod(ceil(length / part) for length, part in zip(found.shape, found.chunks, strict=True))
        whole = found.id.get_num_chunks() == chunks
    else:
        whole = found.id.get_storage_size() > 0
    if not whole:  # HDF5 reads zeros there
        raise InputError(f"{where!r} was not written whole; write the file again")
