"""Which system calls a jailed process may use: a seccomp filter, by ctypes.

It lets through what computing and reading files needs and answers all else with EPERM: no fork,
exec, socket, signal to another process, ptrace, limit or mount. That also holds for root,
whom RLIMIT_NPROC does not bind, for inline assembler, and across the one exec that starts a
compiled program: it is allowed for descriptor EXEC_FD alone, which lies above RLIMIT_NOFILE and is
closed by that exec, so no descriptor of that number can ever exist again. Files can be opened for
reading only. Threads are started only where a supervisor counts them (threads.py).
"""

from __future__ import annotations

import ctypes
import struct

EXEC_FD = 200  # where a compiled program is executed from

#: machine → (column below, audit architecture)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

#: What a program may use, by number on (x86_64, aarch64); None: not there.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214),
    "mremap": (25, 216), "madvise": (28, 233), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "futex": (202, 98), "getrandom": (318, 278), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    "newfstatat": (262, 79), "stat": (4, None),
    "lstat": (6, None), "statx": (332, 291), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "getdents64": (217, 61), "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "pread64": (17, 67), "readv": (19, 65),
    "writev": (20, 66), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "uname": (63, 160), "sysinfo": (99, 179), "sched_yield": (24, 124), "times": (100, 153),
    "sched_getaffinity": (204, 123), "getrusage": (98, 165), "exit": (60, 93),
    "exit_group": (231, 94), "arch_prctl": (158, None), "set_tid_address": (218, 96),
    "set_robust_list": (273, 99), "rseq": (334, 293),
}  # fmt: skip

#: Opening files, and which argument holds the flags: allowed for reading only.
OPENING = {"openat": ((257, 56), 2), "open": ((2, None), 1)}
WRITING = 0x1 | 0x2 | 0x40 | 0x200  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC

CLONE, CLONE3 = (56, 220), (435, 435)

#: What a compiler needs besides: processes, pipes, and files in its own folder.
COMPILING = {
    "clone": CLONE, "clone3": CLONE3, "fork": (57, None), "vfork": (58, None),
    "execve": (59, 221), "wait4": (61, 260), "waitid": (247, 95), "pipe": (22, None),
    "pipe2": (293, 59), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "fcntl": (72, 25), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "chmod": (90, None), "fchmod": (91, 52),
    "fchmodat": (268, 53), "umask": (95, 166), "ftruncate": (77, 46), "truncate": (76, 45),
    "fallocate": (285, 47), "prlimit64": (302, 261), "setrlimit": (160, 164),
    "getrlimit": (97, 163), "ioctl": (16, 29), "poll": (7, None), "ppoll": (271, 73),
    "creat": (85, None), "pwrite64": (18, 68), "fadvise64": (221, 223), "chdir": (80, 49),
    "setpgid": (109, 154), "getpgrp": (111, None), "sendfile": (40, 71), "tgkill": (234, 131),
    "copy_file_range": (326, 285), "close_range": (436, 436),
}  # fmt: skip

EXECVEAT = (322, 281)
THREAD = 0x3D0F00  # the flags with which pthread_create calls clone; no others are let through
SECCOMP = (317, 277)
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
_ASK = 0x7FC00000  # SECCOMP_RET_USER_NOTIF
_FILTER, _NEW_LISTENER = 1, 8

Step = tuple[int, int, int, int]  # a step of a filter: code, jump if true, jump if false, value

_libc = ctypes.CDLL(None, use_errno=True)


def _argument(position: int) -> Step:
    """Load the low half of an argument."""
    return (_LOAD, 0, 0, 16 + 8 * position)


def _unless_set(position: int, bits: int) -> tuple[Step, ...]:
    return (_argument(position), (_ANY_BIT, 0, 1, bits), (_RETURN, 0, 0, _EPERM))


def _only_equal(position: int, value: int) -> tuple[Step, ...]:
    return (_argument(position), (_EQUAL, 1, 0, value), (_RETURN, 0, 0, _EPERM))


class _Program:
    """Steps that the kernel can take over."""

    def __init__(self, machine: str, steps: list[Step], flags: int = 0) -> None:
        self._code = b"".join(struct.pack("=HBBI", *step) for step in steps)
        address = ctypes.cast(ctypes.c_char_p(self._code), ctypes.c_void_p).value
        self._program = struct.pack("@HP", len(steps), address)
        self._call = ctypes.c_long(SECCOMP[MACHINES[machine][0]])
        self._flags = ctypes.c_long(flags)

    def install(self) -> int:
        """From here on this process obeys it. Below 0: it does not; else the listener, if any."""
        mode = ctypes.c_long(_FILTER)
        return int(_libc.syscall(self._call, mode, self._flags, self._program))


class Notifier(_Program):
    """A filter that asks the holder of its listener about each new thread."""

    def __init__(self, machine: str) -> None:
        clone = CLONE[MACHINES[machine][0]]
        number: Step = (_LOAD, 0, 0, 0)
        asks = [(_EQUAL, 0, 1, clone), (_RETURN, 0, 0, _ASK)]
        super().__init__(machine, [number, *asks, (_RETURN, 0, 0, _ALLOW)], _NEW_LISTENER)


class Filter(_Program):
    """A seccomp filter for a machine, built once and installed in each child."""

    def __init__(self, machine: str, compiling: bool = False, threads: bool = False) -> None:
        column, architecture = MACHINES[machine]
        rules: dict[int | None, tuple[Step, ...]] = {n[column]: () for n in ALLOWED.values()}
        rules |= {
            n[column]: () if compiling else _unless_set(at, WRITING) for n, at in OPENING.values()
        }
        rules |= {n[column]: () for n in COMPILING.values()} if compiling else {}
        rules[EXECVEAT[column]] = _only_equal(0, EXEC_FD)
        if threads:
            rules[CLONE[column]] = _only_equal(0, THREAD)
            rules[CLONE3[column]] = ((_RETURN, 0, 0, _ENOSYS),)  # libc then calls clone
        code = [
            (_LOAD, 0, 0, 4),  # the architecture
            (_EQUAL, 1, 0, architecture),
            (_RETURN, 0, 0, _KILL),  # another one
            (_LOAD, 0, 0, 0),  # the number of the system call
        ]
        for number, condition in rules.items():
            if number is not None:
                steps = (*condition, (_RETURN, 0, 0, _ALLOW))
                code += [(_EQUAL, 0, len(steps), number), *steps]
        code.append((_RETURN, 0, 0, _EPERM))
        super().__init__(machine, code)


def execute(descriptor: int, machine: str) -> None:
    """Become the program that an open file holds, with no argument and no environment."""
    number = ctypes.c_long(EXECVEAT[MACHINES[machine][0]])
    arguments = (ctypes.c_char_p * 2)(b"program", None)
    environment = (ctypes.c_char_p * 1)(None)
    at_empty_path = ctypes.c_long(0x1000)
    _libc.syscall(number, ctypes.c_long(descriptor), b"", arguments, environment, at_empty_path)
