// Where the kernel enters the program, and how the program enters the kernel: the only lines that differ
// between architectures. Registers are those of syscall(2), the state at the start that of each
// architecture's ELF supplement.
#include "kernel.h"
#include "main.h"

#if defined(TAP_HOSTED)  // With a C library, for sanitizers and fuzzing only.

#include <errno.h>
#include <unistd.h>

int main(int count, char **words, char **environment) {
  return tap_main(count, words, environment);
}

long kernel_call(
    long number, long first, long second, long third, long fourth, long fifth, long sixth) {
  long result = syscall(number, first, second, third, fourth, fifth, sixth);
  return result == -1 ? -errno : result;
}

#else

/// Called with the stack as the kernel left it: the number of words, they, NULL, the environment, NULL.
__attribute__((used)) _Noreturn void tap_start(long *stack);
_Noreturn void tap_start(long *stack) {
  int count = (int)stack[0];
  char **words = (char **)(stack + 1);
  kernel_exit(tap_main(count, words, words + count + 1));
}

#if defined(__x86_64__)

__asm__(
    ".globl _start\n_start:\n"
    "  xorl %ebp, %ebp\n  movq %rsp, %rdi\n  andq $-16, %rsp\n  call tap_start\n");

long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

__asm__(
    ".globl _start\n_start:\n"
    "  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  and sp, x0, #-16\n  b tap_start\n");

long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}

#elif defined(__arm__)

__asm__(
    ".arm\n.globl _start\n_start:\n"
    "  mov fp, #0\n  mov lr, #0\n  mov r0, sp\n  bic r1, r0, #7\n  mov sp, r1\n  b tap_start\n");

long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(r0)
                   : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
                   : "memory");
  return r0;
}

/// libgcc's division calls it for a zero divisor, which no division here has.
_Noreturn void raise(int signal);
_Noreturn void raise(int signal) { kernel_exit(128 + signal); }

#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)

// ELFv2: r12 has the entry's address, of which r2 (the table of contents) is made.
__asm__(
    ".globl _start\n.type _start, @function\n_start:\n"
    "  addis 2, 12, .TOC.-_start@ha\n  addi 2, 2, .TOC.-_start@l\n  .localentry _start, .-_start\n"
    "  mr 3, 1\n  clrrdi 1, 1, 4\n  li 0, 0\n  stdu 1, -32(1)\n  mtlr 0\n"
    "  bl tap_start\n  nop\n");

// A failure is told by the summary overflow bit, not by the sign.
long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r0 __asm__("r0") = number;
  register long r3 __asm__("r3") = a;
  register long r4 __asm__("r4") = b;
  register long r5 __asm__("r5") = c;
  register long r6 __asm__("r6") = d;
  register long r7 __asm__("r7") = e;
  register long r8 __asm__("r8") = f;
  __asm__ volatile("sc\n  bns+ 1f\n  neg 3, 3\n1:"
                   : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
                   :
                   : "r9", "r10", "r11", "r12", "ctr", "cr0", "memory");
  return r3;
}

#elif defined(__s390x__)

__asm__(
    ".globl _start\n_start:\n"
    "  lgr %r2, %r15\n  lghi %r0, -16\n  ngr %r15, %r0\n  aghi %r15, -160\n"
    "  xc 0(8,%r15), 0(%r15)\n  brasl %r14, tap_start\n");

long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r1 __asm__("1") = number;
  register long r2 __asm__("2") = a;
  register long r3 __asm__("3") = b;
  register long r4 __asm__("4") = c;
  register long r5 __asm__("5") = d;
  register long r6 __asm__("6") = e;
  register long r7 __asm__("7") = f;
  __asm__ volatile("svc 0"
                   : "+d"(r2)
                   : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7)
                   : "memory");
  return r2;
}

#elif defined(__riscv) && __riscv_xlen == 64

__asm__(
    ".globl _start\n_start:\n"
    "  .option push\n  .option norelax\n  lla gp, __global_pointer$\n  .option pop\n"
    "  mv a0, sp\n  andi sp, sp, -16\n  tail tap_start\n");

long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                   : "memory");
  return a0;
}

#else
#error "This architecture's system calls are not known here."
#endif

// The four functions that a compiler may call in any program (GCC manual, "Language Standards").
// -fno-tree-loop-distribute-patterns keeps it from making these loops calls of themselves.

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  char *restrict t = to;
  const char *restrict f = from;
#if defined(__riscv)
  // Words only where they are aligned: others may be read byte by byte, in the kernel even.
  typedef uint64_t __attribute__((may_alias)) word;
  if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0) {
    for (; count >= 8; count -= 8, t += 8, f += 8) *(word *)(void *)t = *(const word *)(const void *)f;
  }
#else
  // A copy of a constant size is loads and stores here; on RISC-V it would be a call of this function.
  for (; count >= 16; count -= 16, t += 16, f += 16) __builtin_memcpy(t, f, 16);
#endif
  while (count-- > 0) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t count) {
  char *t = to;
  const char *f = from;
  if (t <= f) {
    while (count-- > 0) *t++ = *f++;
  } else {
    while (count-- > 0) t[count] = f[count];
  }
  return to;
}

void *memset(void *to, int byte, size_t count) {
  char *t = to;
  while (count-- > 0) *t++ = (char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t count) {
  const unsigned char *x = a, *y = b;
  for (; count > 0; count--, x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

#endif
