package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// javaMethods are the static methods that reflect knows, with how few and how many arguments each takes.
var javaMethods = map[string][2]int{
	"java.net.URLDecoder.decode": {1, 2}, "java.net.URLEncoder.encode": {1, 2}, "java.util.UUID.randomUUID": {0, 0},
	digestUtils + "md5Hex": {1, 1}, digestUtils + "sha1Hex": {1, 1}, digestUtils + "sha256Hex": {1, 1},
	digestUtils + "sha384Hex": {1, 1}, digestUtils + "sha512Hex": {1, 1},
}

const digestUtils = "org.apache.commons.codec.digest.DigestUtils."

// reflection is reflect, of which Hive says that it may give something else each time.
func reflection() *Function {
	f := scalar("reflect java_method", "reflect(class, method[, a1, ...]) - Calls a static method of Java: "+
		"URLDecoder.decode, URLEncoder.encode, UUID.randomUUID, and md5Hex and the like of DigestUtils", bindReflect)
	f.Volatile = true
	return f
}

func bindReflect(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	var names []string
	for i, a := range args[:2] {
		s, ok := "", false
		if a.Const != nil {
			s, ok = a.Const.Value.(string)
		}
		if !ok {
			return Binding{}, &TypeError{Index: i, Want: "a constant string", Got: a.Type}
		}
		names = append(names, s)
	}
	method := strings.Join(names, ".")
	counts, ok := javaMethods[method]
	if !ok {
		known := make([]string, 0, len(javaMethods))
		for name := range javaMethods {
			known = append(known, name)
		}
		slices.Sort(known)
		return Binding{}, fmt.Errorf("calling %s is not supported yet, only %s are", method, strings.Join(known, ", "))
	}
	if err := arity(args[2:], counts[0], counts[1]); err != nil {
		return Binding{}, fmt.Errorf("%s %w", method, err)
	}
	for i, a := range args[2:] {
		if !a.Type.Text() && a.Type.Kind != hivetype.Void {
			return Binding{}, &TypeError{Index: i + 2, Want: "a string", Got: a.Type}
		}
	}
	return same(args, text, text), nil
}
