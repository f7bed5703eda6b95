// Products with dense matrices, and the norm before them.
#include "cpu/state.h"

#include <math.h>

const uint16_t *cpu_stored_row(const cpu_matrix *matrix, size_t row) {
    for (int i = 0; i < CPU_MATRIX_PARTS; i++) {
        if (row < matrix->part[i].rows)
            return matrix->part[i].weight + row * matrix->columns;
        row -= matrix->part[i].rows;
    }
    return NULL;
}

static void linear_exact(const cpu_state *cpu, cpu_thread *thread, const cpu_matrix *matrix,
                         size_t panel, const cpu_inputs *inputs, const int32_t *index, size_t n,
                         float *out, size_t out_stride) {
    const cpu_kernels *kernels = &cpu->kernels;
    size_t begin = panel * CPU_PANEL, end = begin + CPU_PANEL;
    end = end < matrix->rows ? end : matrix->rows;
    for (size_t row = begin; row < end; row += CPU_EXACT_ROWS) {
        size_t rows = end - row < CPU_EXACT_ROWS ? end - row : CPU_EXACT_ROWS;
        for (size_t r = 0; r < rows; r++)
            kernels->decode_bf16(cpu_stored_row(matrix, row + r), matrix->columns,
                                 thread->weight_rows + r * matrix->columns);
        kernels->dots_f32(thread->weight_rows, rows, matrix->columns, inputs->f32, inputs->stride,
                          index, n, out + (row - begin), out_stride);
    }
}

void cpu_linear(const cpu_state *cpu, cpu_thread *thread, const cpu_matrix *matrix, size_t panel,
                const cpu_inputs *inputs, const int32_t *index, size_t n, float *out,
                size_t out_stride) {
    if (cpu->precision == BACKEND_EXACT) {
        linear_exact(cpu, thread, matrix, panel, inputs, index, n, out, out_stride);
        return;
    }
    size_t blocks = cpu_round_up(matrix->columns, CPU_BLOCK) / CPU_BLOCK;
    size_t panel_bytes = blocks * CPU_PANEL * CPU_BLOCK;
    const uint8_t *codes = matrix->codes + panel * panel_bytes;
    cpu_panel weights = {
        .n_blocks = blocks,
        .codes = codes,
        .scales = matrix->scales + panel * blocks * CPU_PANEL,
        .ahead = codes + panel_bytes,
        .ahead_bytes = panel_bytes,
    };
    cpu->kernels.panel_q8(&weights, &inputs->q8, index, n, out, out_stride);
}

void cpu_encode_row(const cpu_state *cpu, const cpu_inputs *inputs, size_t row, size_t columns) {
    if (cpu->precision == BACKEND_EXACT)
        return;
    size_t blocks = cpu_round_up(columns, CPU_BLOCK) / CPU_BLOCK;
    cpu->kernels.encode_q8(inputs->f32 + row * inputs->stride, 0, blocks, &inputs->q8, row);
}

void cpu_norm(const cpu_state *cpu, const float *from, const float *weight, float *to) {
    static const int32_t first = 0;
    size_t hidden = (size_t)cpu->config->hidden;
    float squares;
    cpu->kernels.dots_f32(from, 1, hidden, from, hidden, &first, 1, &squares, 1);
    float inverse = 1.0f / sqrtf(squares / (float)hidden + cpu->config->rms_eps);
    for (size_t i = 0; i < hidden; i++)
        to[i] = from[i] * inverse * weight[i];
}
