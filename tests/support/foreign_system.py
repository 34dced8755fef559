"""macOS and Windows, as far as the program's own modules can tell: played on Linux.

`be("windows")` takes from what `registry`, `zoo` and `bench` import all that Windows lacks, and
lets the rest behave as it does there. Libraries see the real system. `environment_of` reaches
processes that start later: its `sitecustomize` calls `be` first. What it cannot play: case of
names, other separators in paths, the Windows of libraries, and how ends of real processes are told.
"""

from __future__ import annotations

import builtins
import errno
import os
import re
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

SYSTEMS = ("macos", "windows")
VARIABLE = "ZOO_TEST_SYSTEM"
_OURS = ("registry", "zoo", "bench", "zoo_bench_start", "zoo_bench_pytest")
_BINARY = 1 << 30  # the flag of `os.open` that Linux lacks
_LINUX_ALONE = {
    "os": "waitid pidfd_open sched_getaffinity sched_setaffinity posix_fallocate posix_fadvise "
    "memfd_create eventfd copy_file_range splice pipe2 fdatasync O_DIRECT O_TMPFILE "
    "sched_getparam getresuid setresuid getrandom",
    "signal": "sigtimedwait sigwaitinfo SIGRTMIN SIGRTMAX SIGPWR SIGSTKFLT",
    "select": "epoll",
}
_POSIX_ALONE = {
    "os": "fork forkpty register_at_fork killpg getpgid setpgid getpgrp setpgrp setsid getsid "
    "getuid geteuid getgid getegid getgroups setuid setgid pread pwrite preadv pwritev "
    "posix_spawn posix_spawnp statvfs fstatvfs getloadavg sysconf confstr uname mkfifo mknod "
    "chown fchown lchown fchmod sync nice getpriority setpriority sendfile lockf ttyname "
    "openpty ctermid chroot fchdir wait wait3 wait4 WNOHANG WUNTRACED WEXITED WNOWAIT P_PID "
    "WIFEXITED WEXITSTATUS WIFSIGNALED WTERMSIG O_NOFOLLOW O_DIRECTORY O_NONBLOCK O_CLOEXEC "
    "O_SYNC O_DSYNC set_blocking get_blocking environb getcwdb",
    "signal": "SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGSTOP SIGCONT SIGCHLD SIGPIPE SIGALRM SIGPROF "
    "SIGQUIT SIGTSTP SIGXCPU SIGBUS alarm setitimer getitimer ITIMER_REAL ITIMER_PROF pause "
    "pthread_sigmask pthread_kill SIG_BLOCK SIG_UNBLOCK SIG_SETMASK sigwait sigpending "
    "siginterrupt",
    "select": "poll",
    "socket": "send_fds recv_fds MSG_DONTWAIT AF_UNIX SCM_RIGHTS",
    "faulthandler": "register unregister",
    "time": "tzset",
}
POSIX_MODULES = ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix")
LACKED = {  # by module: names that macOS or Windows does not have
    module: frozenset(f"{_LINUX_ALONE.get(module, '')} {_POSIX_ALONE.get(module, '')}".split())
    for module in {*_LINUX_ALONE, *_POSIX_ALONE}
}
_LINUX_PATHS = ("/proc", "/sys")
_RESERVED = re.compile(
    r'.*[<>:"|?*].*|.*[. ]|(con|prn|aux|nul|com\d|lpt\d)(\..*)?', re.IGNORECASE | re.DOTALL
)


def environment_of(system: str) -> dict[str, str]:
    """Return the variables by which Python processes that start with them are on `system`."""
    here = Path(__file__).parent
    path = [str(here / "foreign"), str(here), os.environ.get("PYTHONPATH", "")]
    console = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"} if system == "windows" else {}
    return {VARIABLE: system, "PYTHONPATH": os.pathsep.join(filter(None, path)), **console}


def be(system: str) -> None:
    """Let our modules that this process imports from now on be on `system`."""
    views = _Views(system)
    real = builtins.__import__

    def imported(
        name: str,
        globals: dict[str, Any] | None = None,  # noqa: A002
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        if level or not _is_ours((globals or {}).get("__name__", "")):
            return real(name, globals, locals, fromlist, level)
        if name in views.missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return views.of(real(name, globals, locals, fromlist, level))

    builtins.__import__ = imported  # type: ignore[assignment]
    sys.addaudithook(_Watch(system))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _OURS


class _View(ModuleType):
    """A module as it is on another system."""

    def __init__(self, real: ModuleType, hidden: frozenset[str], other: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        object.__setattr__(self, "_view", (real, hidden, other))

    def __getattribute__(self, name: str) -> Any:
        real, hidden, other = object.__getattribute__(self, "_view")
        if name in hidden:
            raise AttributeError(f"module {real.__name__!r} has no attribute {name!r}")
        return other[name] if name in other else getattr(real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_view")[0], name, value)


class _Views:
    """The modules of the standard library that another system has in another form."""

    def __init__(self, system: str) -> None:
        windows = system == "windows"
        self.missing = POSIX_MODULES if windows else ()
        self._hidden = (
            LACKED
            if windows
            else {name: frozenset(names.split()) for name, names in _LINUX_ALONE.items()}
        )
        self._other: dict[str, Callable[[], dict[str, Any]]] = {
            "sys": lambda: {"platform": "win32" if windows else "darwin"},
            "platform": lambda: {"libc_ver": lambda *_: ("", "")},
            "ctypes": lambda: {"CDLL": _no_library},
        }
        if windows:
            self._other |= {
                "os": _windows_os,
                "select": lambda: {"select": _select_of_sockets},
                "selectors": _windows_selectors,
                "subprocess": _windows_subprocess,
                "multiprocessing.connection": lambda: {"wait": _no_waiting},
            }
        self.of = cache(self._of)

    def _of(self, module: ModuleType) -> ModuleType:
        name = module.__name__
        if name not in self._hidden and name not in self._other:
            return module
        other = self._other.get(name, dict)()
        return _View(module, self._hidden.get(name, frozenset()), other)


def _no_library(name: str | None, *_: object, **__: object) -> Any:
    """The C library of another system has neither prctl nor mallopt."""
    return object()


def _no_waiting(objects: list[Any], timeout: float | None = None) -> Any:
    raise TypeError("an object is no handle")


def _select_of_sockets(*lists: Any) -> Any:
    import select

    for each in [item for some in lists[:3] for item in some]:
        if not stat.S_ISSOCK(os.fstat(each if isinstance(each, int) else each.fileno()).st_mode):
            raise OSError(10038, "An operation was attempted on something that is not a socket")
    return select.select(*lists)


def _windows_selectors() -> dict[str, Any]:
    import selectors

    class DefaultSelector(selectors.SelectSelector):
        _select = staticmethod(_select_of_sockets)

    return {"DefaultSelector": DefaultSelector}


def _windows_os() -> dict[str, Any]:
    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if Path(os.fsdecode(path)).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        reads = flags & (os.O_WRONLY | os.O_RDWR) == 0
        assert flags & _BINARY or not reads or path == os.devnull, f"{path} is read as text"
        return os.open(path, flags & ~_BINARY, *rest, **named)

    def fsync(descriptor: int) -> None:
        import fcntl

        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        os.fsync(descriptor)

    return {"name": "nt", "O_BINARY": _BINARY, "open": opened, "fsync": fsync}


def _windows_subprocess() -> dict[str, Any]:
    import subprocess

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, creationflags: int = 0, **options: Any) -> None:
            for name in ("preexec_fn", "start_new_session", "pass_fds", "process_group", "umask"):
                if options.pop(name, None) is not None:
                    raise ValueError(f"{name} is not supported on Windows platforms")
            if options.get("text") or options.get("errors"):
                options.setdefault("encoding", "cp1252")
            own = creationflags == 512  # a group of its own
            super().__init__(*arguments, process_group=0 if own else None, **options)

    def run(*arguments: Any, input: Any = None, **options: Any) -> Any:  # noqa: A002
        text = options.get("text") or options.get("errors")
        if text:
            options.setdefault("encoding", "cp1252")
        return subprocess.run(*arguments, input=input, **options)

    return {"Popen": Popen, "run": run, "CREATE_NEW_PROCESS_GROUP": 512}


class _Watch:
    """Refuses what the other system refuses, where one of our modules asks for it."""

    def __init__(self, system: str) -> None:
        self._windows, self._busy = system == "windows", False

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """Raise what the other system would raise."""
        if event not in ("open", "os.mkdir", "os.remove", "os.rename"):
            return
        path = given[1] if event == "os.rename" else given[0]
        if self._busy or not isinstance(path, str | bytes) or not (by := _asked_by()):
            return
        self._busy = True
        try:
            self._look(event, os.fsdecode(path), given, by)
        finally:
            self._busy = False

    def _look(self, event: str, path: str, given: tuple[Any, ...], by: str) -> None:
        if path.startswith(_LINUX_PATHS):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        if not self._windows:
            return
        makes = event != "open" or given[2] & os.O_CREAT
        if makes and event != "os.remove":
            for part in Path(path).parts[1:]:
                if _RESERVED.fullmatch(part):
                    raise OSError(errno.EINVAL, "Invalid argument", path)
        if event == "os.rename" and by == "rename" and Path(path).exists():
            raise FileExistsError(errno.EEXIST, "File exists", path)
        changed = {"os.remove": [path], "os.rename": [path, os.fsdecode(given[0])]}.get(event, [])
        for each in changed:
            if _is_open(os.path.realpath(each)):
                raise PermissionError(errno.EACCES, "it is open in this process", each)


def _is_open(path: str) -> bool:
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if str(each.readlink()) == path:
                return True
    maps = Path("/proc/self/maps").read_text(errors="replace")
    return any(line.endswith(f" {path}") for line in maps.splitlines())


def _asked_by() -> str:
    """Return the function that one of our modules calls, which asks for it; "" if none does."""
    frame: FrameType | None = sys._getframe()
    name = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if _is_ours(module):
            return name or "ours"
        if module.partition(".")[0] not in sys.stdlib_module_names:
            if module != __name__:  # a library asks
                return ""
        elif not module.startswith("importlib"):
            name = frame.f_code.co_name
        else:
            return ""
        frame = frame.f_back
    return ""
