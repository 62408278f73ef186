// Fills vectors of text from Arrow's offsets and bytes.
#include "functions.h"

using skep::StringCell;

extern "C" void skep_fill_texts(void *vector, const int32_t *offsets, const char *bytes, uint64_t count, uint64_t to) {
  auto *cells = static_cast<StringCell *>(duckdb_vector_get_data(vector)) + to;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t length = uint32_t(offsets[i + 1] - offsets[i]);
    const char *text = bytes + offsets[i];
    if (length <= 12) {
      StringCell cell{};
      cell.length = length;
      if (length > 0) std::memcpy(reinterpret_cast<char *>(&cell) + sizeof cell.length, text, length);
      cells[i] = cell;
    } else {
      duckdb_unsafe_vector_assign_string_element_len(vector, to + i, text, length);
    }
  }
}

// skep_fill_text repeats one text: its bytes are kept once.
extern "C" void skep_fill_text(void *vector, const char *bytes, uint64_t length, uint64_t count, uint64_t to) {
  if (count == 0) return;
  duckdb_unsafe_vector_assign_string_element_len(vector, to, bytes ? bytes : "", length);
  auto *cells = static_cast<StringCell *>(duckdb_vector_get_data(vector)) + to;
  for (uint64_t i = 1; i < count; i++) cells[i] = cells[0];
}
