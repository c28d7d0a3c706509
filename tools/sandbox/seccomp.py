"""The system calls that a tenant may make, as a filter that the kernel runs (seccomp, classic BPF).

What is not named here is refused, as if the kernel did not have it: new namespaces, mounts, other
roots, `ptrace` and its kin, keys, BPF, performance events, `userfaultfd`, `io_uring`, kernel
modules, host clocks, System V and POSIX queues and memory (no limit of the tenant counts them),
`memfd_create` and shared memory without a file (the same), `flock` (it would lock files of the
host), `sync`, and every socket but a pair of connected streams. Another machine's system calls kill
the process.

Locks on parts of files are granted and not held: one on a file that is bound from the host would
hold off the host's own programs, and no limit counts the memory that the kernel keeps for each.

Sources: the kernel's `Documentation/userspace-api/seccomp_filter.rst` for the machine, its tables
of system calls for the numbers.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final

ALLOWED: Final = """
# Files: mounts and Landlock say which.
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69
pwritev:296:70 preadv2:327:286 pwritev2:328:287 lseek:8:62 close:3:57 close_range:436:436
open:2:- openat:257:56 creat:85:- access:21:- faccessat:269:48 faccessat2:439:439 stat:4:-
fstat:5:80 lstat:6:- newfstatat:262:79 statx:332:291 statfs:137:43 fstatfs:138:44 readlink:89:-
readlinkat:267:78 getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50
mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:- renameat:264:38
renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 mknod:133:-
mknodat:259:33 chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452 chown:92:- fchown:93:55
lchown:94:- fchownat:260:54 umask:95:166 truncate:76:45 ftruncate:77:46 fallocate:285:47
fadvise64:221:223 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88 getxattr:191:8
lgetxattr:192:9 fgetxattr:193:10 listxattr:194:11 llistxattr:195:12 flistxattr:196:13 fsync:74:82
fdatasync:75:83 sendfile:40:71 copy_file_range:326:285 dup:32:23 dup2:33:- dup3:292:24 pipe:22:-
pipe2:293:59
# Waiting, and clocks that are only read.
poll:7:- ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:- epoll_create1:291:20
epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441 eventfd:284:-
eventfd2:290:19 timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87
signalfd:282:- signalfd4:289:74 pause:34:- nanosleep:35:101 clock_nanosleep:230:115
clock_gettime:228:113 clock_getres:229:114 gettimeofday:96:169 time:201:- times:100:153
alarm:37:- getitimer:36:102 setitimer:38:103 timer_create:222:107 timer_settime:223:110
timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
# Memory of the process itself, under RLIMIT_AS.
munmap:11:215 mremap:25:216 mprotect:10:226 madvise:28:233 msync:26:227 brk:12:214
# Processes of the tenant's own process namespace, and itself.
fork:57:- vfork:58:- execve:59:221 exit:60:93 exit_group:231:94 wait4:61:260 waitid:247:95
getpid:39:172 getppid:110:173 gettid:186:178 getpgid:121:155 getpgrp:111:- setpgid:109:154
getsid:124:156 setsid:112:157 getuid:102:174 geteuid:107:175 getgid:104:176 getegid:108:177
getresuid:118:148 getresgid:120:150 getgroups:115:158 capget:125:90 getrusage:98:165
getrlimit:97:163 setrlimit:160:164 getpriority:140:141 uname:63:160 sysinfo:99:179 kill:62:129
tkill:200:130 tgkill:234:131 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigpending:127:136
rt_sigreturn:15:139 rt_sigsuspend:130:133 rt_sigtimedwait:128:137 sigaltstack:131:132
restart_syscall:219:128 pidfd_open:434:434 pidfd_send_signal:424:424
# Threads, and what the C library asks for.
futex:202:98 futex_waitv:449:449 set_tid_address:218:96 set_robust_list:273:99 rseq:334:293
membarrier:324:283 arch_prctl:158:- sched_yield:24:124 sched_getaffinity:204:123
sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 sched_rr_get_interval:148:127
getcpu:309:168 getrandom:318:278
# Socket pairs, once made: a stream pair reaches nobody but its other end.
sendto:44:206 recvfrom:45:207 sendmsg:46:211 recvmsg:47:212 recvmmsg:299:243 shutdown:48:210
getsockname:51:204 getpeername:52:205
"""
"""`name:number on x86_64:number on aarch64`, with `-` where a machine does not have it."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What an argument must be, masked."""

    index: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    pretended: tuple[int, ...] = ()
    """With one of these the call looks like a success, and does nothing."""


@dataclass(frozen=True, slots=True)
class Only:
    """A system call that is allowed when its arguments are these."""

    numbers: tuple[int, int]
    """On x86_64 and on aarch64."""
    arguments: tuple[Argument, ...]
    refusal: int = errno.EPERM


CONDITIONAL: Final = (
    # mmap: no MAP_SHARED with MAP_ANONYMOUS. Such pages live on while one of them is mapped, and
    # are then in no process's address space or resident memory.
    Only((9, 222), (Argument(3, (0x00, 0x01, 0x20), 0x21),)),
    # clone: no CLONE_NEW*, CLONE_PARENT or CLONE_PTRACE. clone3 hides its flags behind a pointer:
    # it is refused whole, and the C library falls back to clone.
    Only((56, 220), (Argument(0, (0,), 0x7E02A000),)),
    # prctl: the name of a thread, and the signal at the parent's death.
    Only((157, 167), (Argument(0, (1, 2, 15, 16)),)),
    # prlimit64: of the caller itself alone.
    Only((302, 261), (Argument(0, (0,)),)),
    # setpriority, sched_setaffinity: of the caller itself alone, not of the tenant's init.
    Only((141, 140), (Argument(0, (0,)), Argument(1, (0,)))),
    Only((203, 122), (Argument(0, (0,)),)),
    # ioctl: what isatty, os.get_terminal_size, inheritance and non-blocking reads take.
    Only(
        (16, 29),
        (Argument(1, (0x5401, 0x802C542A, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),),
        errno.ENOTTY,
    ),
    # fcntl: no leases, no notices, no signals to others; locks only look as if they were held.
    Only(
        (72, 25),
        (Argument(1, (*range(6), 36, 1030, 1031, 1032), pretended=(6, 7, 37, 38)),),
        errno.EINVAL,
    ),
    # socketpair: of streams. A datagram could be sent to any address.
    Only((53, 199), (Argument(0, (1,)), Argument(1, (1,), 0xF))),
    # getsockopt: not who is at the other end: that is the host's process.
    Only((55, 209), (Argument(2, (2, 3, 4, 7, 8, 9, 30, 38, 39)),), errno.ENOPROTOOPT),
)
REFUSED: Final = ((41, 198), (42, 203), (49, 200), (50, 201), (43, 202), (288, 242))
"""socket, connect, bind, listen, accept, accept4: refused by EPERM, which Python words clearly."""

MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of the numbers, and the kernel's name for the machine (AUDIT_ARCH_*)."""
X32: Final = 0x40000000
"""Numbers from here on are x86_64's second set of the same system calls."""

LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
KILL, REFUSE, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`; of an argument, the low half comes first on both machines."""


def program(machine: str | None = None) -> bytes:
    """The filter for a machine, as an array of `struct sock_filter`.

    Args:
        machine: as `platform.machine()` names it; this one by default.

    Raises:
        OSError: no table for this machine.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise OSError(
            errno.ENOSYS, f"no table of system calls for {machine}: only for {', '.join(MACHINES)}"
        )
    column, name = MACHINES[machine]
    code = [_op(LOAD, MACHINE), _op(JUMP_EQUAL, name, 1, 0), _op(RETURN, KILL), _op(LOAD, NUMBER)]
    if machine == "x86_64":
        code += [_op(JUMP_AT_LEAST, X32, 0, 1), _op(RETURN, KILL)]
    allow, refuse = [_op(RETURN, ALLOW)], [_op(RETURN, REFUSE | errno.ENOSYS)]
    named = [(first, last, allow) for first, last in _ranges(allowed(machine))]
    for only in CONDITIONAL:
        named.append((only.numbers[column], only.numbers[column], _judge(only)))
    for row in REFUSED:
        named.append((row[column], row[column], [_op(RETURN, REFUSE | errno.EPERM)]))
    cases, following = [], 0
    for first, last, block in sorted(named):
        if first > following:
            cases.append((following, refuse))
        cases.append((first, block))
        following = last + 1
    return b"".join([*code, *_choose([*cases, (following, refuse)])])


def allowed(machine: str) -> list[int]:
    """The numbers that are allowed whatever their arguments."""
    column = MACHINES[machine][0]
    rows = [line.split() for line in ALLOWED.splitlines() if not line.startswith("#")]
    numbers = [word.split(":")[1 + column] for row in rows for word in row]
    return [int(number) for number in numbers if number != "-"]


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """The numbers as ranges, first and last, so that the filter is short."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _choose(cases: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """The block of the case that the loaded number is in, by halving.

    Before it lets a process go on, the kernel asks a filter about every system call there is.

    Args:
        cases: the number from which on it is this case, and a block, which returns.
    """
    if len(cases) == 1:
        return cases[0][1]
    middle = len(cases) // 2
    below, above = _choose(cases[:middle]), _choose(cases[middle:])
    return [_op(JUMP_AT_LEAST, cases[middle][0], len(below), 0), *below, *above]


def _judge(only: Only) -> list[bytes]:
    """Allow if each masked argument is among its values, else refuse."""
    block = []
    for argument in only.arguments:
        block += [_op(LOAD, ARGUMENTS + 8 * argument.index), _op(AND, argument.mask)]
        for value in argument.pretended:
            block += [_op(JUMP_EQUAL, value, 0, 1), _op(RETURN, REFUSE)]
        for left in range(len(argument.values), 0, -1):
            block.append(_op(JUMP_EQUAL, argument.values[-left], left, 0))
        block.append(_op(RETURN, REFUSE | only.refusal))
    return [*block, _op(RETURN, ALLOW)]
