// AVX2 with FMA and F16C.
#include "cpu/kernels/kernels.h"
const cpu_kernels cpu_kernels_avx2 = {.name = "avx2"};
