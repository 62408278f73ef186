package duck

/*
#include <stdlib.h>

int skep_register_sum(void *connection, const char *name, int scale);
int skep_register_decimal(void *connection, const char *name, const char *op, int a, int b, int precision, int scale);
*/
import "C"

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"
)

// registerDecimals makes the decimal functions known that a statement calls, each once in the
// life of the database.
func (e *Executor) registerDecimals(c *connection, names []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range names {
		if e.registered[name] {
			continue
		}
		if err := registerDecimal(c, name); err != nil {
			return err
		}
		e.registered[name] = true
	}
	return nil
}

func registerDecimal(c *connection, name string) error {
	if digits, ok := strings.CutPrefix(name, sumPrefix); ok {
		return registerSum(c, name, digits)
	}
	var a, b, precision, scale int
	op, numbers, _ := strings.Cut(strings.TrimPrefix(name, "skep_decimal_"), "_")
	if _, err := fmt.Sscanf(numbers, "%d_%d_%d_%d", &a, &b, &precision, &scale); err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	cName, cOp := C.CString(name), C.CString(op)
	defer C.free(unsafe.Pointer(cName))
	defer C.free(unsafe.Pointer(cOp))
	if C.skep_register_decimal(c.handle.Ptr, cName, cOp, C.int(a), C.int(b), C.int(precision), C.int(scale)) != 0 {
		return fmt.Errorf("register function %s: refused by DuckDB", name)
	}
	return nil
}

// sumPrefix begins the names of the sums of decimals; the scale follows.
const sumPrefix = "skep_sum_"

func registerSum(c *connection, name, digits string) error {
	scale, err := strconv.Atoi(digits)
	if err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	if C.skep_register_sum(c.handle.Ptr, cName, C.int(scale)) != 0 {
		return fmt.Errorf("register function %s: refused by DuckDB", name)
	}
	return nil
}
