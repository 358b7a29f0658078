// The arithmetic of a network in the browser's tab that takes time: products of matrices, convolutions of one channel
// each, pooling. Everything else is JavaScript (facetracker/web/static/js/runtime/). `python scripts/tab_runtime/build.py`
// makes the .wasm files of it, with four numbers at once (SIMD) and, where a browser can, products and sums in one step.
//
// Pictures are planes: (channels, rows, columns), as ONNX has them. All pointers lead into the one memory that JavaScript
// gives; there is no allocation here.

#include <stddef.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name))) void name
#define INLINE static inline __attribute__((always_inline))

#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(a, b, sum) wasm_f32x4_relaxed_madd(a, b, sum)
#else
#define MULTIPLY_ADD(a, b, sum) wasm_f32x4_add(sum, wasm_f32x4_mul(a, b))
#endif

typedef struct {
  const float *a, *b, *bias, *add;
  float *out;
  int depth, columns;
  float low, high;
} Product;

INLINE v128_t clamped(v128_t value, const Product *p) {
  return wasm_f32x4_pmin(wasm_f32x4_splat(p->high), wasm_f32x4_pmax(wasm_f32x4_splat(p->low), value));
}

// `height` rows from `row` on by 4 * `wide` columns from `column` on. Both are constants where it is called, so that the
// sums stay in registers.
INLINE void tile(const Product *p, int row, int column, const int height, const int wide) {
  v128_t sums[4][3];
  const float *a = p->a + (size_t)row * p->depth;
  const float *b = p->b + column;
  for (int i = 0; i < height; i++)
    for (int j = 0; j < wide; j++) sums[i][j] = wasm_f32x4_splat(p->bias ? p->bias[row + i] : 0.0f);
  for (int k = 0; k < p->depth; k++, b += p->columns) {
    v128_t values[3];
    for (int j = 0; j < wide; j++) values[j] = wasm_v128_load(b + 4 * j);
    for (int i = 0; i < height; i++) {
      const v128_t weight = wasm_v128_load32_splat(a + (size_t)i * p->depth + k);
      for (int j = 0; j < wide; j++) sums[i][j] = MULTIPLY_ADD(weight, values[j], sums[i][j]);
    }
  }
  for (int i = 0; i < height; i++) {
    const size_t place = (size_t)(row + i) * p->columns + column;
    for (int j = 0; j < wide; j++) {
      v128_t sum = sums[i][j];
      if (p->add) sum = wasm_f32x4_add(sum, wasm_v128_load(p->add + place + 4 * j));
      wasm_v128_store(p->out + place + 4 * j, clamped(sum, p));
    }
  }
}

INLINE void column_of(const Product *p, int row, int column) {
  const float *a = p->a + (size_t)row * p->depth;
  const float *b = p->b + column;
  float sum = p->bias ? p->bias[row] : 0.0f;
  for (int k = 0; k < p->depth; k++, b += p->columns) sum += a[k] * *b;
  const size_t place = (size_t)row * p->columns + column;
  if (p->add) sum += p->add[place];
  p->out[place] = sum < p->low ? p->low : sum > p->high ? p->high : sum;
}

// out (rows, columns) = a (rows, depth) b (depth, columns) + bias (rows) + add (rows, columns), kept within low and high.
// Without bias or add their pointers are 0. Column by column, so that a strip of b stays in the nearest cache.
EXPORT(product)(const float *a, const float *b, const float *bias, const float *add, float *out, int rows, int depth,
                int columns, float low, float high) {
  const Product p = {a, b, bias, add, out, depth, columns, low, high};
  int column = 0;
  for (; column + 8 <= columns; column += 8) {
    int row = 0;
    for (; row + 4 <= rows; row += 4) tile(&p, row, column, 4, 2);
    for (; row < rows; row++) tile(&p, row, column, 1, 2);
  }
  for (; column + 4 <= columns; column += 4) {
    int row = 0;
    for (; row + 4 <= rows; row += 4) tile(&p, row, column, 4, 1);
    for (; row < rows; row++) tile(&p, row, column, 1, 1);
  }
  for (; column < columns; column++)
    for (int row = 0; row < rows; row++) column_of(&p, row, column);
}

// The sides of a convolution: of what it reads, of its kernel, of what it writes.
typedef struct {
  int rows, columns, kernel_rows, kernel_columns, down, across, top, left, out_rows, out_columns;
} Window;

// Rows of zeros round a plane, so that the loops need no borders; its lines are `pitch` long.
INLINE void padded(const float *plane, float *to, const Window *s, int height, int pitch) {
  for (int y = 0; y < height; y++, to += pitch) {
    const int from = y - s->top;
    for (int x = 0; x < s->left; x++) to[x] = 0.0f;
    int x = s->left;
    if (from >= 0 && from < s->rows) {
      const int most = s->columns < pitch - s->left ? s->columns : pitch - s->left;
      __builtin_memcpy(to + x, plane + (size_t)from * s->columns, (size_t)most * 4);
      x += most;
    }
    for (; x < pitch; x++) to[x] = 0.0f;
  }
}

INLINE void one_plane(const float *from, const float *weights, float bias, float *out, const Window *s, int pitch,
                      const int high, const int wide, const int step, float least, float most) {
  for (int y = 0; y < s->out_rows; y++) {
    const float *line = from + (size_t)y * step * pitch;
    for (int x = 0; x < s->out_columns; x += 4) {
      v128_t sum = wasm_f32x4_splat(bias);
      for (int ky = 0; ky < high; ky++)
        for (int kx = 0; kx < wide; kx++) {
          const float *at = line + (size_t)ky * pitch + (size_t)x * step + kx;
          v128_t values = wasm_v128_load(at);
          if (step == 2) values = wasm_i32x4_shuffle(values, wasm_v128_load(at + 4), 0, 2, 4, 6);
          sum = MULTIPLY_ADD(values, wasm_v128_load32_splat(weights + ky * wide + kx), sum);
        }
      sum = wasm_f32x4_pmin(wasm_f32x4_splat(most), wasm_f32x4_pmax(wasm_f32x4_splat(least), sum));
      float *to = out + (size_t)y * s->out_columns + x;
      if (x + 4 <= s->out_columns) {
        wasm_v128_store(to, sum);
      } else {
        float rest[4];
        wasm_v128_store(rest, sum);
        for (int i = 0; x + i < s->out_columns; i++) to[i] = rest[i];
      }
    }
  }
}

// A kernel for each channel. `space` holds one plane with its border: ((out_rows - 1) * step + kernel_rows) lines of
// `pitch`, and 8 numbers more. Steps of 1 and 2.
EXPORT(depthwise)(const float *in, const float *weights, const float *bias, float *out, float *space, int channels,
                  int rows, int columns, int kernel_rows, int kernel_columns, int step, int top, int left, int out_rows,
                  int out_columns, int pitch, float low, float high) {
  const Window s = {rows, columns, kernel_rows, kernel_columns, step, step, top, left, out_rows, out_columns};
  const int height = (out_rows - 1) * step + kernel_rows;
  for (int channel = 0; channel < channels; channel++) {
    padded(in + (size_t)channel * rows * columns, space, &s, height, pitch);
    const float *w = weights + (size_t)channel * kernel_rows * kernel_columns;
    const float shift = bias ? bias[channel] : 0.0f;
    float *to = out + (size_t)channel * out_rows * out_columns;
    if (kernel_rows == 3 && kernel_columns == 3 && step == 1) one_plane(space, w, shift, to, &s, pitch, 3, 3, 1, low, high);
    else if (kernel_rows == 3 && kernel_columns == 3) one_plane(space, w, shift, to, &s, pitch, 3, 3, 2, low, high);
    else if (step == 1) one_plane(space, w, shift, to, &s, pitch, kernel_rows, kernel_columns, 1, low, high);
    else one_plane(space, w, shift, to, &s, pitch, kernel_rows, kernel_columns, 2, low, high);
  }
}

// What each place of a kernel sees, a line each: (channels * kernel_rows * kernel_columns, out_rows * out_columns).
EXPORT(unfold)(const float *in, float *out, int channels, int rows, int columns, int kernel_rows, int kernel_columns,
               int down, int across, int spread_down, int spread_across, int top, int left, int out_rows,
               int out_columns) {
  for (int channel = 0; channel < channels; channel++)
    for (int ky = 0; ky < kernel_rows; ky++)
      for (int kx = 0; kx < kernel_columns; kx++)
        for (int y = 0; y < out_rows; y++) {
          const int from_row = y * down + ky * spread_down - top;
          const int from = kx * spread_across - left;
          const int inside = from_row >= 0 && from_row < rows;
          const float *line = in + ((size_t)channel * rows + (inside ? from_row : 0)) * columns;
          // Between these the line has a number for each place.
          int first = from < 0 ? (-from + across - 1) / across : 0, last = (columns - 1 - from) / across + 1;
          if (!inside || columns - 1 < from) last = 0;
          if (last > out_columns) last = out_columns;
          if (first > last) first = last;
          int x = 0;
          for (; x < first; x++) out[x] = 0.0f;
          line += from + (ptrdiff_t)first * across;
          if (across == 1) {
            __builtin_memcpy(out + x, line, (size_t)(last - x) * 4);
            x = last;
          } else if (across == 2) {
            for (; x + 4 < last; x += 4, line += 8)
              wasm_v128_store(out + x, wasm_i32x4_shuffle(wasm_v128_load(line), wasm_v128_load(line + 4), 0, 2, 4, 6));
          }
          for (; x < last; x++, line += across) out[x] = *line;
          for (; x < out_columns; x++) out[x] = 0.0f;
          out += out_columns;
        }
}

// The largest (`mean` 0) or the mean number in each window; a mean counts only what lies in the picture.
EXPORT(pool)(const float *in, float *out, int planes, int rows, int columns, int kernel_rows, int kernel_columns, int down,
             int across, int top, int left, int out_rows, int out_columns, int mean) {
  for (int plane = 0; plane < planes; plane++, in += (size_t)rows * columns)
    for (int y = 0; y < out_rows; y++)
      for (int x = 0; x < out_columns; x++) {
        const int first = y * down - top, start = x * across - left;
        const int last = first + kernel_rows < rows ? first + kernel_rows : rows;
        const int end = start + kernel_columns < columns ? start + kernel_columns : columns;
        float largest = -__builtin_inff(), sum = 0.0f;
        int count = 0;
        for (int from = first < 0 ? 0 : first; from < last; from++)
          for (int at = start < 0 ? 0 : start; at < end; at++, count++) {
            const float value = in[(size_t)from * columns + at];
            if (value > largest) largest = value;
            sum += value;
          }
        *out++ = mean ? sum / (float)count : largest;
      }
}

// out[i] = in[places[i]]: whatever only moves numbers.
EXPORT(take)(const float *in, const int *places, float *out, int count) {
  for (int i = 0; i < count; i++) out[i] = in[places[i]];
}

// Bytes as numbers.
EXPORT(bytes)(const unsigned char *in, float *out, int count) {
  for (int i = 0; i < count; i++) out[i] = (float)in[i];
}

enum { ADD, SUB, MUL, DIV, MAX, MIN };

#define EACH(name, expression)                  \
  case name:                                    \
    for (int i = 0; i < count; i++, a += a_step, b += b_step) out[i] = (expression); \
    break;

// Number by number; a step of 0 takes the same number every time.
INLINE void combined(int how, const float *a, const float *b, float *out, int count, const int a_step, const int b_step) {
  switch (how) {
    EACH(ADD, *a + *b)
    EACH(SUB, *a - *b)
    EACH(MUL, *a * *b)
    EACH(DIV, *a / *b)
    EACH(MAX, *a < *b ? *b : *a)
    EACH(MIN, *b < *a ? *b : *a)
  }
}

EXPORT(combine)(int how, const float *a, const float *b, float *restrict out, int count, int a_step, int b_step) {
  if (a_step && b_step) combined(how, a, b, out, count, 1, 1);
  else if (a_step) combined(how, a, b, out, count, 1, 0);
  else if (b_step) combined(how, a, b, out, count, 0, 1);
  else combined(how, a, b, out, count, 0, 0);
}

// Kept within low and high.
EXPORT(clamp)(const float *in, float *restrict out, int count, float low, float high) {
  for (int i = 0; i < count; i++) out[i] = in[i] < low ? low : in[i] > high ? high : in[i];
}
