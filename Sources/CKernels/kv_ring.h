// Writing keys and values to their rings. Included by attention.h, once per instruction set.

// Bytes of the keys of one head, or of its values; and of sixteen of its slots.
INLINE intptr_t FN(group_bytes)(ap_cache format, intptr_t d) {
  return d / BLOCK * (format == AP_CACHE_Q8 ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES);
}
INLINE intptr_t FN(head_bytes)(ap_cache format, intptr_t capacity, intptr_t d) {
  return ap_ring_bytes(format, 1, capacity, d);
}

// Multiplies by a Hadamard matrix over sqrt(n), where n is the largest power of two that divides d. It is its own
// inverse.
static void FN(hadamard)(float *x, intptr_t d) {
  intptr_t n = d & -d;
  for (intptr_t half = 1; half < n; half *= 2)
    for (intptr_t i = 0; i < d; i += 2 * half)
      for (intptr_t j = i; j < i + half; j++) {
        float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
  float scale = 1.0f / sqrtf((float)n);
  for (intptr_t i = 0; i < d; i++) x[i] *= scale;
}

// Quantizes 32 values with a scale to clamped levels, as offset bytes; returns the squared error.
INLINE float FN(levels)(const float *x, float scale, float low, float high, float offset, uint8_t *out) {
#pragma clang fp contract(off)
  float inverse = scale != 0 ? 1.0f / scale : 0;
  vec error = {};
#pragma unroll
  for (int i = 0; i < BLOCK; i += AP_LANES) {
    vec scaled = load(x + i) * inverse;
    scaled = scaled + 12582912.0f;
    vec level = vmin(vmax(scaled - 12582912.0f, splat(low)), splat(high));
    vec difference = load(x + i) - level * scale;
    error += difference * difference;
    *(bytes_vec *)(out + i) = __builtin_convertvector(__builtin_convertvector(level + offset, ivec), bytes_vec);
  }
  return sum(error);
}

// Rounds 32 values to 8 or 4 bits with an offset; returns the half-precision scale. For 4 bits a few scales are tried,
// which put the largest value on the outermost level, slightly above it or slightly below it; the one with the smallest
// squared error is kept.
static uint16_t FN(round_block)(const float *x, ap_cache format, uint8_t *out) {
  float top = 0;
  for (int i = 0; i < BLOCK; i++) top = fabsf(x[i]) > fabsf(top) ? x[i] : top;
  if (format == AP_CACHE_Q8) {
    uint16_t scale = ap_to_half(fabsf(top) / 127.0f);
    FN(levels)(x, ap_from_half(scale), -127, 127, 128, out);
    return scale;
  }
  static const float divisors[] = {-8, -8.6f, -7.4f, 7};
  float least = INFINITY;
  uint16_t best = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t trial[BLOCK];
    uint16_t scale = ap_to_half(top / divisors[i]);
    float error = FN(levels)(x, ap_from_half(scale), -8, 7, 8, trial);
    if (!(error < least)) continue;
    least = error;
    best = scale;
    memcpy(out, trial, BLOCK);
  }
  return best;
}

// Stores the key and value of one head in slot `slot` of a ring.
static void FN(store_slot)(const ap_ring *ring, uint8_t *state, intptr_t head, intptr_t slot, intptr_t d,
                           const float *key, const float *value) {
  intptr_t bytes = FN(head_bytes)(ring->format, ring->capacity, d);
  uint8_t *keys = state + ring->keys + head * bytes, *values = state + ring->values + head * bytes;
  if (ring->format == AP_CACHE_F32) {
    memcpy((float *)keys + slot * d, key, sizeof(float) * (size_t)d);
    memcpy((float *)values + slot * d, value, sizeof(float) * (size_t)d);
    return;
  }
  if (ring->format == AP_CACHE_F16) {
    for (intptr_t i = 0; i < d; i++) {
      // A value beyond the range of half precision becomes its largest finite value, not infinity.
      ((uint16_t *)keys)[slot * d + i] = ap_to_half(fminf(fmaxf(key[i], -65504), 65504));
      ((uint16_t *)values)[slot * d + i] = ap_to_half(fminf(fmaxf(value[i], -65504), 65504));
    }
    return;
  }
  bool is_q8 = ring->format == AP_CACHE_Q8;
  intptr_t lane = slot % 16, group = FN(group_bytes)(ring->format, d), block = is_q8 ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES;
  keys += slot / 16 * group;
  values += slot / 16 * group;
  for (intptr_t b = 0; b < d / BLOCK; b++) {
    uint8_t levels[BLOCK];
    for (int which = 0; which < 2; which++) {
      uint16_t scale = FN(round_block)((which ? value : key) + b * BLOCK, ring->format, levels);
      if (!is_q8)
        for (int i = 0; i < 16; i++) levels[i] = (uint8_t)(levels[i] | levels[i + 16] << 4);
      intptr_t size = is_q8 ? 32 : 16;
      if (which == 0) {
        for (intptr_t g = 0; g < size / 4; g++) memcpy(keys + b * block + g * 64 + lane * 4, levels + g * 4, 4);
        memcpy(keys + (b + 1) * block - 32 + lane * 2, &scale, 2);
      } else {
        memcpy(values + lane * d * size / 32 + b * size, levels, (size_t)size);
        memcpy(values + 16 * d * size / 32 + b * 32 + lane * 2, &scale, 2);
      }
    }
  }
}

static void FN(remember)(const ap_attention *job, intptr_t part, intptr_t parts) {
  const ap_memory *memory = job->memory;
  intptr_t heads = memory->heads, d = memory->head_dim, all = job->columns * heads;
  float rotated[2][d];
  for (intptr_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    intptr_t column = i / heads, head = i % heads;
    const float *key = job->keys + column * job->stride + head * d;
    const float *value = job->values + column * job->stride + head * d;
    if (memory->rotate) {
      memcpy(rotated[0], key, sizeof rotated[0]);
      memcpy(rotated[1], value, sizeof rotated[1]);
      FN(hadamard)(rotated[0], d);
      FN(hadamard)(rotated[1], d);
      key = rotated[0];
      value = rotated[1];
    }
    uint8_t *state = job->states[column];
    int64_t p = job->positions[column];
    FN(store_slot)(&memory->all, state, head, (intptr_t)(p % memory->all.capacity), d, key, value);
    if (memory->recent > 0)
      FN(store_slot)(&memory->fine, state, head, (intptr_t)(p % memory->fine.capacity), d, key, value);
    if (p < memory->pinned) FN(store_slot)(&memory->first, state, head, (intptr_t)p, d, key, value);
  }
}
