# Toolchain: for 64-bit Arm with Debian's cross compiler (gcc-aarch64-linux-gnu); programs run under
# QEMU (qemu-user-static). Libraries are those below GPTOSS_AARCH64_ROOT, a tree like / of such a
# machine: ./dev aarch64 makes one.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

find_program(GPTOSS_QEMU NAMES qemu-aarch64-static qemu-aarch64)
set(CMAKE_CROSSCOMPILING_EMULATOR ${GPTOSS_QEMU} -L /usr/aarch64-linux-gnu)

set(GPTOSS_AARCH64_ROOT "" CACHE PATH "Libraries for 64-bit Arm")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GPTOSS_AARCH64_ROOT) # CMake's own checks see it too
set(ENV{PKG_CONFIG_LIBDIR} ${GPTOSS_AARCH64_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${GPTOSS_AARCH64_ROOT}")
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu ${GPTOSS_AARCH64_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
