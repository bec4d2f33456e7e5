"""Runs a program with system calls forbidden (EPERM), as a container's seccomp profile does.

usage: forbid.py mbind,move_pages PROGRAM ARGUMENT...
"""

import ctypes
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"mbind": 237, "get_mempolicy": 239, "move_pages": 279, "mlock": 149},
    "aarch64": {"mbind": 235, "get_mempolicy": 236, "move_pages": 239, "mlock": 228},
}[platform.machine()]

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO_EPERM = 0x7FFF0000, 0x00050000 | 1


def instruction(code, k, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, k)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


numbers = [NUMBERS[name] for name in sys.argv[1].split(",")]
code = instruction(LOAD, 0)
for i, number in enumerate(numbers):
    code += instruction(JUMP_IF_EQUAL, number, len(numbers) - i, 0)
code += instruction(RETURN, ALLOW) + instruction(RETURN, ERRNO_EPERM)

buffer = ctypes.create_string_buffer(code)
program = Program(len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
    sys.exit("seccomp: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[2], sys.argv[2:])
