"""The system calls that Python has no function for, by ctypes, each raising `OSError` by name."""

from __future__ import annotations

import _socket
import ctypes
import errno
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

OPEN_TREE_CLONE = 1
AT_RECURSIVE = 0x8000
AT_EMPTY_PATH = 0x1000
AT_FDCWD = -100
MOVE_MOUNT_F_EMPTY_PATH = 4

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
SECCOMP_SET_MODE_FILTER = 1
SIGCHLD = 17

NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "seccomp": 317},
    "aarch64": {"clone": 220, "pivot_root": 41, "seccomp": 277},
}
"""Numbers that differ between the machines; those from 424 on are the same on both."""
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR, CLOSE_RANGE = 428, 429, 442, 436
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446

_MACHINE = os.uname().machine
_EMPTY = (0,) * 6
_CAPABILITIES = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
_NO_CAPABILITIES = struct.pack("6I", *[0] * 6)

_libc = ctypes.CDLL(None, use_errno=True)
_syscall, _prctl, _capset = _libc.syscall, _libc.prctl, _libc.capset
_unshare, _mount, _umount = _libc.unshare, _libc.mount, _libc.umount2
# Looked up here, once: whoever is forked would look them up again.
_syscall.restype = ctypes.c_long
_syscall.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * len(_EMPTY)]
_prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def call(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """A system call by its number.

    Raises:
        OSError: the kernel refused it.
    """
    result: int = _syscall(number, *arguments, *_EMPTY[len(arguments) :])
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def numbers() -> dict[str, int]:
    """The numbers of this machine's system calls.

    Raises:
        OSError: nobody has written them down for this machine.
    """
    if _MACHINE not in NUMBERS:
        raise OSError(errno.ENOSYS, f"no system calls known for {_MACHINE}: only {list(NUMBERS)}")
    return NUMBERS[_MACHINE]


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave namespaces for fresh ones."""
    _checked(_unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount a file system."""
    words = (source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags))
    _checked(_mount(*words, options.encode() or None), f"mount {kind} on {target}")


def make_private() -> None:
    """Let no mount of ours reach the namespace that we come from."""
    _checked(_mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "private mounts")


def clone_tree(path: str, attributes: int) -> int:
    """A descriptor of a copy of the mounts at `path`, not yet attached anywhere."""
    try:
        tree = call(OPEN_TREE, AT_FDCWD, path.encode(), OPEN_TREE_CLONE | AT_RECURSIVE | 0o2000000)
        set_attributes(tree, attributes)
    except OSError as error:
        raise OSError(error.errno, f"bind {path}: {error.strerror}") from None
    return tree


def set_attributes(tree: int, attributes: int, *, below: bool = True) -> None:
    """Mark a mount, and all below it, with the bits of MS_RDONLY and its siblings."""
    words = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if below else 0)
    call(MOUNT_SETATTR, tree, b"", flags, words, len(words))


def attach(tree: int, target: str) -> None:
    """Put a detached mount somewhere, and close its descriptor."""
    try:
        call(MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    except OSError as error:
        raise OSError(error.errno, f"attach {target}: {error.strerror}") from None
    os.close(tree)


def enter_root(folder: str) -> None:
    """Make a mounted folder the root, and let go of the old one."""
    os.chdir(folder)
    try:
        call(numbers()["pivot_root"], b".", b".")
    except OSError as error:
        raise OSError(error.errno, f"pivot_root: {error.strerror}") from None
    _checked(_umount(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def fork_into(namespaces: int) -> int:
    """Fork into fresh namespaces; returns as `os.fork` does.

    What Python does after a fork is not done: it is about threads, of which there is only this one,
    and would touch, and so copy, a hundred pages. The child may only fork again, and wait.
    """
    try:
        return call(numbers()["clone"], namespaces | SIGCHLD, 0, 0, 0, 0)
    except OSError as error:
        raise OSError(error.errno, f"clone into namespaces: {error.strerror}") from None


def prctl(option: int, value: int, third: int = 0) -> None:
    """Set a property of this process."""
    _checked(_prctl(option, value, third, 0, 0), f"prctl {option}")


def close_range(first: int, last: int) -> None:
    """Close the descriptors from first to last, both included."""
    call(CLOSE_RANGE, first, last, 0)


def drop_capabilities() -> None:
    """Give up every capability, for this process and for all that it will start."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the kernel knows no more of them
                raise
            break
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    lose_capabilities()


def lose_capabilities() -> None:
    """Have no capability from now on."""
    _checked(_capset(_CAPABILITIES, _NO_CAPABILITIES), "capset")


class Filter:
    """A program of classic BPF, as the kernel takes it."""

    def __init__(self, program: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(program, len(program))
        address = ctypes.addressof(self._instructions)
        self._head = struct.pack("HxxxxxxQ", len(program) // 8, address)

    def install(self) -> None:
        """Let the kernel judge every later system call by it."""
        call(numbers()["seccomp"], SECCOMP_SET_MODE_FILTER, 0, self._head)


def receive(peer: _socket.socket, length: int, count: int) -> tuple[bytes, list[int]]:
    """A packet, and the descriptors that came with it; without what `import socket` costs."""
    size = struct.calcsize("i")
    data, notes, _, _ = peer.recvmsg(length, _socket.CMSG_SPACE(count * size))
    given = b"".join(note[: len(note) - len(note) % size] for _, _, note in notes)
    return data, list(struct.unpack(f"{len(given) // size}i", given))
