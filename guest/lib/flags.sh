# Sourced by build.sh and xcc: the compiler and what every object of a title is compiled with.
CC=${XENOLITH_CC:-powerpc64-linux-gnu-gcc}
CFLAGS=(-m32 -mpowerpc64 -mcpu=cell -maltivec -mabi=altivec -mno-sdata -ffixed-r13 -ffixed-r2 -fno-pic -fno-pie
    -ffreestanding -fno-asynchronous-unwind-tables -fno-stack-protector -ffunction-sections -fdata-sections
    -nostdinc -isystem "$guest/include" -isystem "$("$CC" -print-file-name=include)")
