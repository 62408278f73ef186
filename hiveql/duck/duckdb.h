// The part of DuckDB's C interface that the C++ files here call, declared by us because cgo
// cannot include a header of another module. The handles are opaque pointers; the numbers are
// those of DuckDB 1.5, which a test asserts.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void *duck_handle;
typedef void (*duck_scalar)(duck_handle info, duck_handle input, duck_handle output);

duck_handle duckdb_create_scalar_function(void);
void duckdb_destroy_scalar_function(duck_handle *function);
void duckdb_scalar_function_set_name(duck_handle function, const char *name);
void duckdb_scalar_function_set_volatile(duck_handle function);
void duckdb_scalar_function_add_parameter(duck_handle function, duck_handle type);
void duckdb_scalar_function_set_return_type(duck_handle function, duck_handle type);
void duckdb_scalar_function_set_extra_info(duck_handle function, void *extra, void (*destroy)(void *));
void *duckdb_scalar_function_get_extra_info(duck_handle info);
void duckdb_scalar_function_set_function(duck_handle function, duck_scalar run);
void duckdb_scalar_function_set_error(duck_handle info, const char *error);
duck_handle duckdb_create_scalar_function_set(const char *name);
void duckdb_destroy_scalar_function_set(duck_handle *set);
int duckdb_add_scalar_function_to_set(duck_handle set, duck_handle function);
int duckdb_register_scalar_function(duck_handle connection, duck_handle function);
int duckdb_register_scalar_function_set(duck_handle connection, duck_handle set);

duck_handle duckdb_create_aggregate_function(void);
void duckdb_destroy_aggregate_function(duck_handle *function);
void duckdb_aggregate_function_set_name(duck_handle function, const char *name);
void duckdb_aggregate_function_add_parameter(duck_handle function, duck_handle type);
void duckdb_aggregate_function_set_return_type(duck_handle function, duck_handle type);
void duckdb_aggregate_function_set_functions(duck_handle function, uint64_t (*size)(duck_handle),
                                             void (*init)(duck_handle, void *state),
                                             void (*update)(duck_handle, duck_handle input, void **states),
                                             void (*combine)(duck_handle, void **from, void **to, uint64_t count),
                                             void (*finalize)(duck_handle, void **states, duck_handle output,
                                                              uint64_t count, uint64_t offset));
void duckdb_aggregate_function_set_destructor(duck_handle function, void (*destroy)(void **states, uint64_t count));
int duckdb_register_aggregate_function(duck_handle connection, duck_handle function);
duck_handle duckdb_create_aggregate_function_set(const char *name);
void duckdb_destroy_aggregate_function_set(duck_handle *set);
int duckdb_add_aggregate_function_to_set(duck_handle set, duck_handle function);
int duckdb_register_aggregate_function_set(duck_handle connection, duck_handle set);

duck_handle duckdb_create_logical_type(int type);
duck_handle duckdb_create_decimal_type(uint8_t width, uint8_t scale);
duck_handle duckdb_create_list_type(duck_handle element);
void duckdb_destroy_logical_type(duck_handle *type);

uint64_t duckdb_data_chunk_get_size(duck_handle chunk);
duck_handle duckdb_data_chunk_get_vector(duck_handle chunk, uint64_t column);
void *duckdb_vector_get_data(duck_handle vector);
uint64_t *duckdb_vector_get_validity(duck_handle vector);
void duckdb_vector_ensure_validity_writable(duck_handle vector);
duck_handle duckdb_list_vector_get_child(duck_handle vector);
uint64_t duckdb_list_vector_get_size(duck_handle vector);
int duckdb_list_vector_reserve(duck_handle vector, uint64_t capacity);
int duckdb_list_vector_set_size(duck_handle vector, uint64_t size);
void duckdb_unsafe_vector_assign_string_element_len(duck_handle vector, uint64_t row, const char *text,
                                                    uint64_t length);

#ifdef __cplusplus
}
#endif
