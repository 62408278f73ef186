package syntax

import "reflect"

// ReplaceExprs puts fn(x) in the place of every expression x below n, the innermost first. The
// tree is changed in place; n itself, if it is an expression, is not replaced.
func ReplaceExprs(n Node, fn func(Expr) Expr) {
	replaceIn(reflect.ValueOf(n), fn)
}

var exprType = reflect.TypeFor[Expr]()

func replaceIn(v reflect.Value, fn func(Expr) Expr) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			replaceIn(v.Elem(), fn)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		replaceIn(v.Elem(), fn)
		if v.Type() == exprType && v.CanSet() {
			v.Set(reflect.ValueOf(fn(v.Interface().(Expr))))
		}
	case reflect.Slice:
		for i := range v.Len() {
			replaceIn(v.Index(i), fn)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			replaceIn(v.Field(i), fn)
		}
	}
}

// CopyExpr is a copy of x that shares nothing with it. Every node of the copy has the place at,
// so that what is wrong with a copied part is reported where it is used.
func CopyExpr(x Expr, at Span) Expr {
	c := reflect.New(exprType).Elem()
	c.Set(reflect.ValueOf(x))
	return copyValue(c, at).Interface().(Expr)
}

func copyValue(v reflect.Value, at Span) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(copyValue(v.Elem(), at))
		}
	case reflect.Interface:
		if !v.IsNil() {
			c.Set(copyValue(v.Elem(), at))
		}
	case reflect.Slice:
		if !v.IsNil() {
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(copyValue(v.Index(i), at))
			}
		}
	case reflect.Struct:
		switch v.Type() {
		case spanType:
			c.Set(reflect.ValueOf(at))
		case posType:
			c.Set(reflect.ValueOf(at.From))
		default:
			for i := range v.NumField() {
				c.Field(i).Set(copyValue(v.Field(i), at))
			}
		}
	default:
		c.Set(v)
	}
	return c
}
