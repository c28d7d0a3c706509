"""Attacks on the sandbox: each must fail, end in a typed result, and leave the sandbox well.

An attack is a script that prints ESCAPED when it got what it wanted. Where it can be done safely
the same script is run outside as well, where it must print that: so the attack is a real one.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symposia.tools.sandbox import PythonSandbox, Result, Status
from symposia.tools.sandbox.backends import CHOICES

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYSCALL = """
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def syscall(number, *words):
    words = [ctypes.c_long(w) if isinstance(w, int) else w for w in words]
    return libc.syscall(ctypes.c_long(number), *words)
"""
WORKERS = 2
"""As many as `box` keeps warm."""
SECRET = "the-secret-of-the-host"


async def attack(box: PythonSandbox, code: str, **options: object) -> Result:
    """Run an attack, and see that it failed and that the sandbox is none the worse."""
    result = await box.run(code, **options)
    assert "ESCAPED" not in result.stdout + (result.value or ""), result
    assert result.status in set(Status) - {Status.UNAVAILABLE}
    after = await box.run("6 * 7")
    assert (after.status, after.value) == (Status.OK, "42")
    return result


def outside(code: str) -> str:
    """What the same script prints where nothing holds it."""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    return ran.stdout


# --- network


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Something of the host's to reach, of each kind; it answers to whoever connects."""
    path = str(tmp_path_factory.mktemp("servers") / "socket")
    os.chmod(os.path.dirname(path), 0o755)
    name = f"\0symposia-{os.getpid()}"
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    unix.bind(path)
    abstract.bind(name)
    datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    datagrams.bind(f"{name}-datagrams")
    for server in (unix, abstract):
        server.listen()

    def greet(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                peer.sendall(b"hello")

    def echo() -> None:
        while True:
            try:
                _, address = udp.recvfrom(100)
            except OSError:
                return
            udp.sendto(b"hello", address)

    for server in (tcp, unix, abstract):
        threading.Thread(target=greet, args=[server], daemon=True).start()
    threading.Thread(target=echo, daemon=True).start()
    yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "unix": path, "name": name}
    for server in (tcp, udp, unix, abstract, datagrams):
        server.close()


NETWORK = {
    "tcp": "s = socket.create_connection(('127.0.0.1', {tcp}), 2); print('ESCAPED', s.recv(9))",
    "udp": """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
        s.sendto(b'x', ('127.0.0.1', {udp})); print('ESCAPED', s.recv(9))""",
    "unix": "s = socket.socket(socket.AF_UNIX); s.connect({unix!r}); print('ESCAPED', s.recv(9))",
    "abstract": """
        s = socket.socket(socket.AF_UNIX); s.connect({name!r}); print('ESCAPED', s.recv(9))""",
    "datagram to an abstract name, from a pair": """
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        a.sendto(b'x', {name!r} + '-datagrams'); print('ESCAPED')""",
    "message to an abstract name, from a pair": """
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        a.sendmsg([b'x'], [], 0, {name!r} + '-datagrams'); print('ESCAPED')""",
    "bind": "s = socket.create_server(('127.0.0.1', 0)); print('ESCAPED')",
    "netlink": "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); print('ESCAPED')",
    "asyncio": """
        import asyncio
        async def main():
            r, w = await asyncio.open_connection('127.0.0.1', {tcp})
            print('ESCAPED', await r.read(9))
        asyncio.run(main())""",
}


@pytest.mark.parametrize("kind", NETWORK)
async def test_nothing_of_the_network_is_reached(
    box: PythonSandbox, servers: dict[str, object], kind: str
) -> None:
    code = "import socket\n" + textwrap.dedent(NETWORK[kind]).format(**servers)
    assert "ESCAPED" in await asyncio.to_thread(outside, code)
    result = await attack(box, code)
    assert (result.status, result.error_type) == (Status.ERROR, "PermissionError")


async def test_a_socket_is_refused_to_machine_code_too(box: PythonSandbox) -> None:
    number = "{'x86_64': 41, 'aarch64': 198}[platform.machine()]"
    code = f"{SYSCALL}\nfor family in range(50):\n    for kind in (1, 2, 3, 5):\n"
    code += f"        if syscall({number}, family, kind, 0) >= 0: print('ESCAPED', family, kind)"
    assert "ESCAPED 1 1" in await asyncio.to_thread(outside, code)
    await attack(box, code)


async def test_names_are_not_resolved(box: PythonSandbox) -> None:
    code = "import socket; print('ESCAPED', socket.getaddrinfo('example.com', 80))"
    result = await attack(box, code)
    assert result.error_type == "gaierror"


# --- reading


@pytest.fixture(scope="module")
def planted() -> Iterator[str]:
    """A file of the host's that everyone may read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret.txt"
        path.write_text(SECRET)
        os.chmod(folder, 0o755)
        yield str(path)


READ = "print('ESCAPED' if 'host' in open({path!r}).read() else '')"
TRICKS = {
    "plainly": READ,
    "through a link": "import os; os.symlink({path!r}, 'link'); "
    "print('ESCAPED' if 'host' in open('link').read() else '')",
    "through a process's root": "print('ESCAPED' if 'host' in "
    "open('/proc/self/root{path}').read() else '')",
    "by going up": "import os; os.chdir('/'); os.chdir('../../../../../../..'); "
    "print('ESCAPED' if 'host' in open('.' + {path!r}).read() else '')",
}


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_file_of_the_host_is_not_read(
    box: PythonSandbox, planted: str, trick: str, tmp_path: Path
) -> None:
    code = TRICKS[trick].format(path=planted)
    in_folder = f"import os; os.chdir({str(tmp_path)!r})\n{code}"
    assert "ESCAPED" in await asyncio.to_thread(outside, in_folder)
    result = await attack(box, code)
    assert result.error_type == "FileNotFoundError"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/etc/hostname",
        "/proc/1/environ",
        "/proc/self/environ",
        "/proc/self/maps",
        "/proc/kallsyms",
        "/proc/sys/kernel/hostname",
        "/sys/kernel",
        "/sys/fs/cgroup",
        "/var/log",
        "/home",
        "/run",
        "/mnt",
        str(Path.home() / ".bashrc"),
        str(Path.home() / ".ssh"),
        str(Path(__file__)),
        str(Path(sys.prefix) / "pyvenv.cfg"),
    ],
)
async def test_a_place_of_the_host_is_not_there(box: PythonSandbox, path: str) -> None:
    code = f"import os; os.stat({path!r}); print('ESCAPED')"
    result = await attack(box, code)
    assert result.error_type == "FileNotFoundError"


async def test_the_root_holds_what_is_listed_and_no_more(box: PythonSandbox) -> None:
    prefix = Path(sys.base_prefix).parts[1]
    result = await box.run("import os; [sorted(os.listdir(p)) for p in ('/', '/etc', '/proc')]")
    root, etc, proc = eval(result.value or "")
    allowed = {"bin", "box", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "packages"}
    assert set(root) <= allowed | {"proc", "tmp", "usr", prefix}
    assert {"passwd", "group", "hosts"} <= set(etc) <= {"passwd", "group", "hosts", "ld.so.cache"}
    assert proc == []


async def test_files_brought_back_are_not_the_hosts(box: PythonSandbox, planted: str) -> None:
    code = f"""
import os
os.symlink({planted!r}, 'a.txt'); os.symlink('/etc', 'root'); os.symlink('/etc/passwd', 'b.txt')
os.mkfifo('c.txt'); os.mkdir('d.txt')
"""
    result = await attack(box, code, collect=["*.txt", "root/**", "**/*"])
    assert SECRET.encode() not in b"".join(result.files.values())


async def test_packages_of_the_host_are_not_imported(box: PythonSandbox) -> None:
    code = """
import importlib, os, sys
for name in ('pydantic', 'pytest', 'numpy', 'pip', 'setuptools', 'symposia'):
    try:
        importlib.import_module(name); print('ESCAPED', name)
    except ImportError:
        pass
for folder, _, files in os.walk('/'):
    if folder.endswith(('site-packages', 'dist-packages')) and os.listdir(folder):
        print('ESCAPED', folder)
"""
    assert "ESCAPED" in await asyncio.to_thread(outside, code)
    await attack(box, code)


# --- writing


async def test_nothing_outside_the_work_folder_is_written(box: PythonSandbox) -> None:
    code = """
import os
for folder, folders, files in os.walk('/'):
    if folder in ('/box', '/tmp'):
        folders.clear()
        continue
    for attempt in (
        lambda: open(os.path.join(folder, 'planted'), 'w'),
        lambda: os.mkdir(os.path.join(folder, 'planted.d')),
        lambda: os.symlink('/', os.path.join(folder, 'planted.l')),
        lambda: os.mkfifo(os.path.join(folder, 'planted.f')),
        lambda: os.chmod(folder, 0o777),
        lambda: os.utime(folder),
        lambda: os.setxattr(folder, 'user.planted', b'x'),
        lambda: os.rename(folder, folder + '2'),
        lambda: os.link('/etc/passwd', os.path.join(folder, 'planted.h')),
    ):
        try:
            attempt()
            print('ESCAPED', folder)
        except OSError:
            pass
    for name in files[:20]:
        path = os.path.join(folder, name)
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
            try:
                os.close(os.open(path, flags))
                if not path.startswith('/dev/'):
                    print('ESCAPED', path)
            except OSError:
                pass
"""
    result = await attack(box, code, timeout=30)
    assert result.status is Status.OK, result


async def test_the_disk_cannot_be_filled(box: PythonSandbox) -> None:
    code = """
import os, errno
total = 0
for folder in ('/box/work', '/tmp', '/dev/shm'):
    for number in range(100):
        try:
            with open(f'{folder}/{number}', 'wb', buffering=0) as file:
                for _ in range(20): total += file.write(bytes(2**20))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            break
total
"""
    result = await attack(box, code)
    assert result.status is Status.OK, result
    assert 7 * 2**20 <= int(result.value or 0) <= box.limits.files


async def test_files_cannot_be_made_without_end(box: PythonSandbox) -> None:
    code = "n = 0\nwhile True:\n    open(f'{n}', 'w').close(); n += 1\n    print(n)"
    result = await attack(box, code)
    assert result.error_type == "OSError"
    assert int(result.stdout.split()[-1]) < box.limits.file_count


# --- resources


async def test_a_fork_bomb_is_held(box: PythonSandbox) -> None:
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    result = await attack(box, code, timeout=1)
    assert result.status is Status.TIMEOUT


async def test_processes_are_counted(box: PythonSandbox) -> None:
    code = """
import os, time
n = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60)
        n += 1
except BlockingIOError:
    pass
n
"""
    result = await attack(box, code)
    assert result.value == str(box.limits.processes - 1)


async def test_threads_are_counted(box: PythonSandbox) -> None:
    code = """
import threading, time
n = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=[60], daemon=True).start(); n += 1
except RuntimeError:
    print(n)
    raise
"""
    result = await attack(box, code)
    assert result.error_type == "RuntimeError"
    assert int(result.stdout) < box.limits.processes


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(10 * 2**30)",
        "x = []\nwhile True: x.append(bytes(10**7))",
        "'x' * (1 << 40)",
        "1 << (1 << 40)",
        "import mmap\nmmap.mmap(-1, 10 * 2**30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
    ],
)
async def test_memory_is_held(box: PythonSandbox, code: str) -> None:
    result = await attack(box, code)
    assert result.status in (Status.MEMORY, Status.ERROR)
    assert result.error_type in ("MemoryError", "OverflowError", "OSError"), result
    assert result.peak_memory < box.limits.memory


async def test_memory_of_many_processes_is_held_together(box: PythonSandbox) -> None:
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(b'x') * (300 * 2**20); time.sleep(60)
time.sleep(60)
"""
    result = await attack(box, code, timeout=20)
    assert result.status is Status.MEMORY


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import signal, time\n"
        "for s in range(1, 65):\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: time.sleep(1)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import threading; threading.Thread(target=threading.Event().wait).start()",
        "10 ** 10 ** 9",
    ],
)
async def test_time_is_held(box: PythonSandbox, code: str) -> None:
    result = await attack(box, code, timeout=0.7)
    assert result.status is Status.TIMEOUT
    assert result.seconds < 5


async def test_processor_time_is_held_even_if_the_signal_is_ignored(box: PythonSandbox) -> None:
    limits = replace(box.limits, cpu_seconds=1)
    ignoring = "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
    async with PythonSandbox(box.backend, limits=limits, workers=1) as own:
        for code in ("while True: pass", ignoring + "while True: pass"):
            result = await own.run(code, timeout=30)
            assert result.status is Status.TIMEOUT
            assert result.cpu_seconds == pytest.approx(1.5, abs=0.9)


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nwhile True: sys.stdout.write('x' * 2**20)",
        "import os\nfor _ in range(1024): os.write(1, bytes(2**20))",
        "import os\nwhile True: os.write(2, b'x' * 1000)",
    ],
)
async def test_output_is_held(box: PythonSandbox, code: str) -> None:
    result = await attack(box, code)
    assert result.status is Status.OUTPUT
    assert result.truncated
    assert len(result.stdout) + len(result.stderr) <= 4 * box.limits.output  # `\xff` is four


async def test_output_that_is_no_text_is_kept_as_text(box: PythonSandbox) -> None:
    code = "import os; os.write(1, bytes(range(256))); os.write(1, b'\\x1b]0;title\\x07\\x1b[2J')"
    result = await attack(box, code)
    assert result.status is Status.OK
    assert "\\xff" in result.stdout
    assert result.stdout.isascii()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def f(): f()\nf()", Status.ERROR),
        ("import sys; sys.setrecursionlimit(10**8)\ndef f(x): f([x])\nf(0)", None),
        ("import sys; sys.setrecursionlimit(10**8)\nx = []\nfor _ in range(10**5): x = [x]\n"
         "print(len(repr(x)))", Status.KILLED),
        ("int('9' * 10**7)", Status.ERROR),
        ("class A:\n    def __repr__(self): return 'x' * 10**8\nA()", None),
        ("class A:\n    def __repr__(self): 1/0\nA()", Status.ERROR),
        ("class E(Exception):\n    def __str__(self): 1/0\nraise E", Status.ERROR),
        ("import ctypes; ctypes.string_at(0)", Status.KILLED),
        ("import os; os.abort()", Status.KILLED),
        ("import os; os.kill(os.getpid(), 9)", Status.KILLED),
        ("import os; os._exit(3)", Status.EXIT),
        ("import sys; sys.exit(3)", Status.EXIT),
        ("(" * 10**5, Status.ERROR),
        ("-" * 10**5 + "1", None),
        ("x = 1\x00", Status.ERROR),
        ("'\ud800'", None),
        ("import os\nfor f in range(3): os.close(f)\nprint(1)", None),
        ("import sys; sys.stdout = None; sys.stderr = 3; print(1)", None),
        ("import builtins\nbuiltins.__dict__.clear()", None),
        ("import gc, sys\nsys.modules.clear(); gc.collect()\n1", None),
    ],
)  # fmt: skip
async def test_an_odd_end_is_a_typed_result(
    box: PythonSandbox, code: str, status: Status | None
) -> None:
    result = await attack(box, code, timeout=20)
    assert status is None or result.status is status, result


# --- processes


LINGER = {
    "a daemon by two forks": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
            os._exit(0)
        time.sleep(.1)""",
    "a session of its own": """
        import subprocess, sys
        subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],
                         start_new_session=True)""",
    "a thread": "import threading, time; threading.Thread(target=time.sleep, args=[60]).start()",
}


@pytest.mark.parametrize("kind", LINGER)
async def test_nothing_lives_on(
    box: PythonSandbox, kind: str, processes: Callable[[], list[int]]
) -> None:
    await attack(box, textwrap.dedent(LINGER[kind]), timeout=1)
    resting = 2 + 2 * WORKERS  # the zygote and who waits for it, and two of each warm worker
    end = time.monotonic() + 20
    while len(processes()) > resting and time.monotonic() < end:
        await asyncio.sleep(0.05)
    assert len(processes()) <= resting, _told(processes())


def _told(pids: list[int]) -> list[str]:
    """Each process with its state, its parent and its numbers in the namespaces."""
    words = re.compile(r"^(?:Name|State|Pid|PPid|NSpid):\s*(.*)$", re.MULTILINE)
    return [
        " ".join(words.findall(status.read_text("utf-8", "replace")))
        for status in (Path(f"/proc/{pid}/status") for pid in pids)
        if status.exists()
    ]


async def test_no_other_process_is_signalled(box: PythonSandbox) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    code = f"""
import os, signal
for pid in ({victim.pid}, {os.getpid()}, -1, 1, os.getppid(), *range(2, 400)):
    if pid != os.getpid():
        for number in (9, 15, 19):
            try: os.kill(pid, number)
            except OSError: pass
import signal
try: signal.pidfd_send_signal(os.pidfd_open(1), 9)
except OSError: pass
print('alive')
"""
    try:
        neighbour = asyncio.create_task(box.run("import time; time.sleep(1.5); 'alive'"))
        await asyncio.sleep(0.2)
        result = await attack(box, code)
        assert result.stdout == "alive\n"
        assert (await neighbour).value == "'alive'"
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


# --- the kernel

CALLS = {
    # name: (x86_64, aarch64, arguments)
    "ptrace of the parent": (101, 117, "16, os.getppid(), 0, 0"),
    "ptrace of itself": (101, 117, "0, 0, 0, 0"),
    "process_vm_readv": (310, 270, "os.getpid(), 0, 0, 0, 0, 0"),
    "unshare of users": (272, 97, "0x10000000"),
    "unshare of mounts": (272, 97, "0x20000"),
    "unshare of files": (272, 97, "0x400"),
    "setns": (308, 268, "0, 0"),
    "mount": (165, 40, "b'none', b'/tmp', b'tmpfs', 0, 0"),
    "bind mount": (165, 40, "b'/', b'/tmp', 0, 4096, 0"),
    "remount": (165, 40, "0, b'/', 0, 32, 0"),
    "umount2": (166, 39, "b'/usr', 2"),
    "chroot": (161, 51, "b'/box'"),
    "pivot_root": (155, 41, "b'.', b'.'"),
    "open_tree": (428, 428, "-100, b'/', 1"),
    "move_mount": (429, 429, "-100, b'/', -100, b'/box', 0"),
    "fsopen": (430, 430, "b'tmpfs', 0"),
    "mount_setattr": (442, 442, "-100, b'/', 0, 0, 0"),
    "clone3": (435, 435, "0, 0"),
    "clone into a user namespace": (56, 220, "0x10000011, 0, 0, 0, 0"),
    "add_key": (248, 217, "b'user', b'x', b'x', 1, -4"),
    "keyctl": (250, 219, "0, -4, 1, 0, 0"),
    "request_key": (249, 218, "b'user', b'x', 0, -4"),
    "bpf": (321, 280, "0, 0, 0"),
    "userfaultfd": (323, 282, "1"),
    "io_uring_setup": (425, 425, "8, b'\\0' * 200"),
    "perf_event_open": (298, 241, "b'\\0' * 200, 0, -1, -1, 0"),
    "memfd_create": (319, 279, "b'x', 0"),
    "memfd_secret": (447, 447, "0"),
    "shmget": (29, 194, "0, 4096, 0o1600"),
    "msgget": (68, 186, "0, 0o1600"),
    "semget": (64, 190, "0, 1, 0o1600"),
    "mq_open": (240, 180, "b'x', 0o102, 0o600, 0"),
    "name_to_handle_at": (303, 264, "-100, b'/', b'\\0' * 200, b'\\0' * 8, 0"),
    "open_by_handle_at": (304, 265, "0, b'\\0' * 200, 0"),
    "init_module": (175, 105, "0, 0, b''"),
    "kexec_load": (246, 104, "0, 0, 0, 0"),
    "reboot": (169, 142, "0xfee1dead, 672274793, 0, 0"),
    "settimeofday": (164, 170, "0, b'\\0' * 16"),
    "sethostname": (170, 161, "b'x', 1"),
    "swapon": (167, 224, "b'/box', 0"),
    "syslog": (103, 116, "3, b'\\0' * 100, 100"),
    "acct": (163, 89, "0"),
    "quotactl": (179, 60, "0, 0, 0, 0"),
    "personality": (135, 92, "0x0040000"),
    "setuid": (105, 146, "0"),
    "setgroups": (116, 159, "0, 0"),
    "capset": (126, 91, "b'\\0' * 8, b'\\0' * 24"),
    "seccomp": (317, 277, "1, 0, 0"),
    "prctl of the dumpable bit": (157, 167, "4, 1, 0, 0, 0"),
    "prctl of ptracers": (157, 167, "0x59616d61, -1, 0, 0, 0"),
    "prlimit of the init": (302, 261, "1, 7, 0, 0"),
    "setpriority of the init": (141, 140, "0, 1, 5"),
    "setpriority of all": (141, 140, "2, 0, 5"),
    "sched_setaffinity of the init": (203, 122, "1, 8, b'\\x01' + b'\\0' * 7"),
    "rt_sigqueueinfo to the init": (129, 138, "1, 15, b'\\0' * 128"),
    "mmap of shared memory": (9, 222, "0, 4096, 3, 0x21, -1, 0"),
    "flock of a file of the host's": (73, 32, "os.open('/usr/bin', 0), 2"),
    "fanotify_init": (300, 262, "0, 0"),
    "ioctl TIOCSTI": (16, 29, "0, 0x5412, b'x'"),
    "pidfd_getfd": (438, 438, "0, 0, 0"),
    "kcmp": (312, 272, "1, 1, 0, 0, 0"),
    "sync": (162, 81, ""),
}


async def test_system_calls_are_refused_by_the_filter(box: PythonSandbox) -> None:
    column = 0 if os.uname().machine == "x86_64" else 1
    code = SYSCALL
    for name, row in CALLS.items():
        code += f"result = syscall({row[column]}, {row[2]})\n".replace(", )", ")")
        code += f"print(({name!r}, 'ESCAPED' if result >= 0 else ctypes.get_errno()))\n"
    result = await attack(box, code)
    found = dict(map(eval, result.stdout.splitlines()))
    assert result.status is Status.OK, result
    assert set(found) == set(CALLS)
    filtered = {errno.EPERM, errno.ENOSYS, errno.ENOTTY}
    assert {name: number for name, number in found.items() if number not in filtered} == {}


async def test_some_of_these_calls_do_succeed_without_the_filter() -> None:
    column = 0 if os.uname().machine == "x86_64" else 1
    for name in ("memfd_create", "shmget", "flock of a file of the host's", "personality"):
        row = CALLS[name]
        code = f"{SYSCALL}\nprint('ESCAPED' if syscall({row[column]}, {row[2]}) >= 0 else '')"
        assert "ESCAPED" in await asyncio.to_thread(outside, code), name


async def test_system_calls_of_another_machine_kill(box: PythonSandbox) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("machine code for x86_64")
    machine_code = "mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)"
    code = f"""
import ctypes, mmap
page = {machine_code}
page.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')  # mov eax, 20 (getpid); int 0x80; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
print('ESCAPED', ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"""
    assert "ESCAPED" in await asyncio.to_thread(outside, code)
    result = await attack(box, code)
    assert (result.status, result.signal) == (Status.KILLED, "SIGSYS")
    x32 = f"{SYSCALL}\nprint('ESCAPED' if syscall(0x40000000 + 39) > 0 else '')"
    result = await attack(box, x32)
    assert (result.status, result.signal) == (Status.KILLED, "SIGSYS")


async def test_the_filter_cannot_be_shed_by_another_program(box: PythonSandbox) -> None:
    code = """
import subprocess, sys
inner = "import socket; socket.socket(); print('ESCAPED')"
print(subprocess.run([sys.executable, '-S', '-c', inner], capture_output=True, text=True).stdout)
print(subprocess.run([sys.executable, '-S', '-c', inner], capture_output=True, text=True)
      .stderr.splitlines()[-1])
for program in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/unshare', '/usr/bin/passwd'):
    try: print(subprocess.run([program, '-r', 'id'], capture_output=True, text=True))
    except OSError: pass
"""
    result = await attack(box, code)
    assert "PermissionError" in result.stdout
    assert "uid=0" not in result.stdout


async def test_devices_are_the_harmless_ones(box: PythonSandbox) -> None:
    code = """
import os
for kind in (0o020600, 0o060600):
    for number in (os.makedev(1, 1), os.makedev(8, 0), os.makedev(254, 0), os.makedev(10, 200)):
        for path in ('device', '/tmp/device', '/dev/device'):
            try: os.mknod(path, kind, number); print('ESCAPED', path)
            except OSError: pass
sorted(os.listdir('/dev'))
"""
    result = await attack(box, code)
    assert result.value == repr(sorted(["full", "null", "random", "shm", "urandom"]))


# --- leaks


async def test_no_descriptor_is_inherited(box: PythonSandbox) -> None:
    code = """
import os
found = []
for descriptor in range(70000):
    try: os.fstat(descriptor); found.append(descriptor)
    except OSError: pass
found
"""
    with open(__file__) as file:
        os.set_inheritable(file.fileno(), True)
        result = await attack(box, code)
    assert result.value == repr([0, 1, 2, box.limits.open_files - 1])


async def test_the_environment_holds_no_secret(box: PythonSandbox) -> None:
    os.environ["SYMPOSIA_TEST_SECRET"] = SECRET
    code = """
import ctypes, os
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')
n, text = 0, ''
while environ[n]: text += environ[n].decode(); n += 1
print('ESCAPED' if 'secret' in text + str(dict(os.environ)) else sorted(os.environ))
"""
    async with PythonSandbox(box.backend, workers=1) as own:
        assert "ESCAPED" in await asyncio.to_thread(outside, code)
        result = await own.run(code)
    del os.environ["SYMPOSIA_TEST_SECRET"]
    assert "ESCAPED" not in result.stdout
    assert result.status is Status.OK
    assert set(eval(result.stdout)) <= {
        "HOME", "LANG", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "PWD",
        "PYTHONHASHSEED", "TMPDIR",
    }  # fmt: skip


async def test_the_next_tenant_finds_nothing_of_the_last(box: PythonSandbox) -> None:
    code = """
import builtins, json, os, sys, tempfile
found = [name for folder in ('/box/work', '/tmp', '/dev/shm') for name in os.listdir(folder)]
found += [name for name in ('planted',) if hasattr(builtins, name) or name in os.environ]
found += [name for name in ('planted',) if name in sys.modules or hasattr(json, name)]
print('ESCAPED' if found else 'clean', found)
for folder in ('/box/work', '/tmp', '/dev/shm'):
    open(f'{folder}/planted', 'w').close()
builtins.planted = json.planted = 1
os.environ['planted'] = '1'
sys.modules['planted'] = os
tempfile.NamedTemporaryFile(delete=False)
"""
    for _ in range(6):
        result = await attack(box, code)
        assert result.stdout == "clean []\n"


# --- the channel of results

BYTES = {
    "a pickle": "import pickle; data = pickle.dumps(print)",
    "a framed pickle": "import pickle; p = pickle.dumps(print); data = len(p).to_bytes(4) + p",
    "a huge length": "data = b'\\xff' * 4 + b'x' * 100",
    "an empty frame": "data = bytes(4)",
    "half a frame": "data = (100).to_bytes(4) + b'{'",
    "deep nesting": "p = b'[' * 10**6; data = len(p).to_bytes(4) + p",
    "deep objects": "p = b'{\"a\":' * 10**5; data = len(p).to_bytes(4) + p",
    "no text": "p = b'\\xff\\xfe'; data = len(p).to_bytes(4) + p",
    "a huge number": "p = b'9' * 10**6; data = len(p).to_bytes(4) + p",
    "no number": "p = b'NaN'; data = len(p).to_bytes(4) + p",
    "a list": "p = b'[1]'; data = len(p).to_bytes(4) + p",
    "an answer without the nonce": 'p = b\'{"status": "ok", "value": "ESCAPED"}\'; '
    "data = len(p).to_bytes(4) + p",
    "an answer with a guessed nonce": 'p = b\'{"status": "ok", "nonce": "\' + b\'0\' * 32 '
    '+ b\'", "value": "ESCAPED"}\'; data = len(p).to_bytes(4) + p',
    "noise": "import os; data = os.urandom(10**5)",
}


@pytest.mark.parametrize("after", ["os._exit(0)", "time.sleep(60)", "None"])
@pytest.mark.parametrize("kind", BYTES)
async def test_a_forged_reply_is_not_believed(box: PythonSandbox, kind: str, after: str) -> None:
    channel = box.limits.open_files - 1
    code = f"""
import os, time
{BYTES[kind]}
view = memoryview(data)
while view: view = view[os.write({channel}, view):]
{after}
"""
    if "sleep" in after and kind not in ("half a frame", "a huge length"):
        pytest.skip("the reply is read before the sleep")
    result = await attack(box, code, timeout=1)
    assert result.status in (Status.PROTOCOL, Status.TIMEOUT, Status.EXIT), result
    assert result.value is None


async def test_a_closed_channel_is_not_an_answer(box: PythonSandbox) -> None:
    code = f"import os, time; os.close({box.limits.open_files - 1}); time.sleep(60)"
    result = await attack(box, code, timeout=2)
    assert result.status in (Status.PROTOCOL, Status.TIMEOUT)


async def test_a_child_cannot_answer_for_its_parent(box: PythonSandbox) -> None:
    code = "import os\nif os.fork() == 0: 'ESCAPED'\nelse: os.wait(); 'parent'"
    result = await attack(box, code)
    assert result.value in (None, "'parent'")


# --- as somebody else


@pytest.mark.skipif(os.geteuid() != 0, reason="this is an unprivileged user already")
async def test_the_same_holds_for_an_unprivileged_user(unprivileged: dict[str, Any]) -> None:
    here = str(Path(__file__))
    command = [*unprivileged.pop("args"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"]

    def run(backend: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "-k", backend, here],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=300,
            **unprivileged,
        )

    for ran in await asyncio.gather(*(asyncio.to_thread(run, name) for name in CHOICES)):
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
