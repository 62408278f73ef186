#include "functions.h"

#include <map>

using namespace skep;

namespace {

duck_handle made(const Function &f) {
  duck_handle function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, f.name);
  for (int type : f.parameters) {
    duck_handle t = duckdb_create_logical_type(type);
    duckdb_scalar_function_add_parameter(function, t);
    duckdb_destroy_logical_type(&t);
  }
  duck_handle t = duckdb_create_logical_type(f.result);
  duckdb_scalar_function_set_return_type(function, t);
  duckdb_destroy_logical_type(&t);
  duckdb_scalar_function_set_function(function, f.run);
  if (f.changing) duckdb_scalar_function_set_volatile(function);
  return function;
}

duck_handle made(const char *name, Aggregate &a) {
  duck_handle function = duckdb_create_aggregate_function();
  duckdb_aggregate_function_set_name(function, name);
  duckdb_aggregate_function_add_parameter(function, a.argument);
  duckdb_aggregate_function_set_return_type(function, a.result);
  duckdb_destroy_logical_type(&a.argument);
  duckdb_destroy_logical_type(&a.result);
  duckdb_aggregate_function_set_functions(function, a.size, a.init, a.update, a.combine, a.finalize);
  if (a.destroy) duckdb_aggregate_function_set_destructor(function, a.destroy);
  return function;
}

}  // namespace

int skep::registerAggregates(duck_handle connection, const char *name, std::vector<Aggregate> overloads) {
  duck_handle set = duckdb_create_aggregate_function_set(name);
  int failed = 0;
  for (Aggregate &a : overloads) {
    duck_handle function = made(name, a);
    failed |= duckdb_add_aggregate_function_to_set(set, function);
    duckdb_destroy_aggregate_function(&function);
  }
  failed |= duckdb_register_aggregate_function_set(connection, set);
  duckdb_destroy_aggregate_function_set(&set);
  return failed;
}

// skep_register_functions makes all functions known to the database of the connection. It
// returns the name of the first one that was refused, or NULL.
extern "C" const char *skep_register_functions(void *connection) {
  std::map<std::string, std::vector<Function>> byName;
  for (auto library : {conversions, arithmetic, texts, dates, dateTimes, stamps, ordinals}) {
    for (Function &f : library()) byName[f.name].push_back(f);
  }
  for (auto &[name, overloads] : byName) {
    duck_handle set = duckdb_create_scalar_function_set(name.c_str());
    int failed = 0;
    for (const Function &f : overloads) {
      duck_handle function = made(f);
      failed |= duckdb_add_scalar_function_to_set(set, function);
      duckdb_destroy_scalar_function(&function);
    }
    failed |= duckdb_register_scalar_function_set(connection, set);
    duckdb_destroy_scalar_function_set(&set);
    if (failed) return overloads[0].name;
  }
  return nullptr;
}
