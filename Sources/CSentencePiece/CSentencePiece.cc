#include "CSentencePiece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

struct csp_model {
  sentencepiece::SentencePieceProcessor processor;
};

static void copy(const char *text, char *into, size_t capacity) {
  if (capacity == 0) return;
  size_t count = std::min(strlen(text), capacity - 1);
  memcpy(into, text, count);
  into[count] = 0;
}

csp_model *csp_open(const void *data, size_t size, char *reason, size_t capacity) {
  try {
    auto model = std::make_unique<csp_model>();
    auto status = model->processor.LoadFromSerializedProto({static_cast<const char *>(data), size});
    if (status.ok() && model->processor.GetPieceSize() > 0) return model.release();
    copy(status.ok() ? "it has no pieces" : status.error_message(), reason, capacity);
  } catch (const std::exception &error) {
    copy(error.what(), reason, capacity);
  }
  return nullptr;
}

void csp_close(csp_model *model) { delete model; }

int32_t csp_count(const csp_model *model) { return model->processor.GetPieceSize(); }

const char *csp_piece(const csp_model *model, int32_t id, size_t *length) {
  const std::string &piece = model->processor.IdToPiece(id);
  *length = piece.size();
  return piece.data();
}

enum csp_kind csp_kind_of(const csp_model *model, int32_t id) {
  if (model->processor.IsByte(id)) return CSP_BYTE;
  if (model->processor.IsControl(id)) return CSP_CONTROL;
  if (model->processor.IsUnknown(id)) return CSP_UNKNOWN;
  if (model->processor.IsUnused(id)) return CSP_UNUSED;
  return CSP_NORMAL;
}

int64_t csp_encode(const csp_model *model, const char *text, size_t length, int32_t *ids, size_t capacity) {
  try {
    std::vector<int> result;
    if (!model->processor.Encode({text, length}, &result).ok()) return -1;
    for (size_t i = 0; i < std::min(capacity, result.size()); i++) ids[i] = result[i];
    return static_cast<int64_t>(result.size());
  } catch (const std::exception &) {
    return -1;
  }
}
