"""The filter of system calls, run by a small interpreter of its own machine code."""

from __future__ import annotations

import errno
import struct

import pytest

from symposia.tools.sandbox.seccomp import (
    ALLOW,
    CONDITIONAL,
    KILL,
    MACHINES,
    REFUSE,
    allowed,
    program,
)

CLONE, SOCKETPAIR, IOCTL, MMAP, FCNTL = (56, 220), (53, 199), (16, 29), (9, 222), (72, 25)
SETPRIORITY, GETSOCKOPT = (141, 140), (55, 209)


def judge(machine: str, number: int, *arguments: int, name: int | None = None) -> int:
    """What the filter says of a system call, as the kernel would run it."""
    code = program(machine)
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, name or MACHINES[machine][1], 0, *words)
    at, register = 0, 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("<HBBI", code, at * 8)
        at += 1
        match operation:
            case 0x20:
                register = struct.unpack_from("<I", data, value)[0]
            case 0x54:
                register &= value
            case 0x06:
                return int(value)
            case _:
                met = {0x15: register == value, 0x25: register > value, 0x35: register >= value}
                at += if_true if met[operation] else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_the_listed_calls_are_allowed_whatever_their_arguments(machine: str) -> None:
    listed = set(allowed(machine))
    column = MACHINES[machine][0]
    conditional = {only.numbers[column] for only in CONDITIONAL}
    assert not conditional & listed
    for number in range(600):
        if number not in conditional:
            assert (judge(machine, number, 2**32 - 1, 7) == ALLOW) == (number in listed), number


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_decide_where_they_matter(machine: str) -> None:
    column = MACHINES[machine][0]
    thread = 0x3D0F00
    assert judge(machine, CLONE[column], thread) == ALLOW
    assert judge(machine, CLONE[column], 17) == ALLOW
    for bit in (17, 25, 26, 27, 28, 29, 30, 15, 13):
        assert judge(machine, CLONE[column], thread | 1 << bit) != ALLOW
    assert judge(machine, SOCKETPAIR[column], 1, 1 | 0x80800) == ALLOW
    assert judge(machine, SOCKETPAIR[column], 1, 2) != ALLOW
    assert judge(machine, SOCKETPAIR[column], 2, 1) != ALLOW
    assert judge(machine, IOCTL[column], 0, 0x5401) == ALLOW
    assert judge(machine, IOCTL[column], 0, 0x5412) != ALLOW
    for flags in (0x01, 0x02, 0x03, 0x11, 0x22, 0x40022, 0x20022):  # of a file, or private
        assert judge(machine, MMAP[column], 0, 4096, 3, flags) == ALLOW
    for flags in (0x21, 0x23, 0x31, 0x40021):  # shared, and of no file
        assert judge(machine, MMAP[column], 0, 4096, 3, flags) == REFUSE | errno.EPERM
    for command in (0, 1, 2, 3, 4, 5, 36, 1030):
        assert judge(machine, FCNTL[column], 3, command) == ALLOW
    for command in (6, 7, 37, 38):
        assert judge(machine, FCNTL[column], 3, command) == REFUSE
    for command in (8, 10, 15, 1024, 1026):
        assert judge(machine, FCNTL[column], 3, command) == REFUSE | errno.EINVAL
    assert judge(machine, SETPRIORITY[column], 0, 0, 5) == ALLOW
    for which, who in ((0, 1), (1, 0), (2, 0)):
        assert judge(machine, SETPRIORITY[column], which, who) == REFUSE | errno.EPERM
    assert judge(machine, GETSOCKOPT[column], 3, 1, 3) == ALLOW
    for option in (17, 59, 77):  # SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD
        assert judge(machine, GETSOCKOPT[column], 3, 1, option) != ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_another_machines_calls_kill(machine: str) -> None:
    assert judge(machine, 0, name=0x40000003) == KILL  # i386
    assert judge("x86_64", 0x40000000) == KILL


def test_a_machine_without_a_table_is_refused_by_name() -> None:
    with pytest.raises(OSError, match="no table of system calls for riscv64"):
        program("riscv64")
