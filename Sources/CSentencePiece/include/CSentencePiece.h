#pragma once
#include <stddef.h>
#include <stdint.h>

// libsentencepiece has a C++ interface that Swift cannot import; this is what is needed of it, in C.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct csp_model csp_model;

enum csp_kind { CSP_NORMAL = 0, CSP_UNKNOWN = 1, CSP_CONTROL = 2, CSP_UNUSED = 3, CSP_BYTE = 4 };

// Reads a model from memory. NULL if it is not one; `reason` then holds why, cut to `capacity` bytes.
csp_model *_Nullable csp_open(const void *_Nonnull data, size_t size, char *_Nonnull reason, size_t capacity);
void csp_close(csp_model *_Nonnull model);

// The number of pieces; ids are 0 ..< count. No other id may be asked for.
int32_t csp_count(const csp_model *_Nonnull model);
// UTF-8, without a final zero; lives as long as the model.
const char *_Nonnull csp_piece(const csp_model *_Nonnull model, int32_t id, size_t *_Nonnull length);
enum csp_kind csp_kind_of(const csp_model *_Nonnull model, int32_t id);

// Writes the ids of `text` as far as they fit and returns how many there are; -1 if it cannot be encoded.
// Safe to call from several threads.
int64_t csp_encode(const csp_model *_Nonnull model, const char *_Nullable text, size_t length,
                   int32_t *_Nullable ids, size_t capacity);

#ifdef __cplusplus
}
#endif
