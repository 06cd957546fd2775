# Sourced by build.sh and xcc: the compiler and what every object of a title is compiled with.
# -fno-gcse: with 64-bit registers in 32-bit mode gcc 12's PRE loses insertions; from -O2 on, addresses become 0. The
# library test (tests/guest/library.c) fails without it.
CC=${XENOLITH_CC:-powerpc64-linux-gnu-gcc}
CFLAGS=(-m32 -mpowerpc64 -mcpu=cell -maltivec -mabi=altivec -mno-sdata -ffixed-r13 -ffixed-r2 -fno-pic -fno-pie
    -fno-gcse -ffreestanding -fno-asynchronous-unwind-tables -fno-stack-protector -ffunction-sections -fdata-sections
    -nostdinc -isystem "$guest/include" -isystem "$("$CC" -print-file-name=include)")
