// Package javaregex matches strings against regular expressions written for java.util.regex.
//
// The patterns of S3DistCp's options and of HiveQL are Java's, and people bring theirs along. A pattern is
// parsed here and printed again in the common subset of Go's regexp package and of a
// backtracking engine, with everything on which the languages differ spelled out: the classes
// \d \w \s \h \v \R, POSIX and Unicode classes, unions and intersections of classes
// ([a-z&&[^q]]), the dot, ASCII-only (?i), \Q..\E, \uhhhh, octal escapes, quantifiers in braces.
//
//	re, err := javaregex.Compile(`s3://logs/(?<day>\d{4}-\d\d-\d\d)/.*\.gz`)
//	groups, ok, err := re.Match("s3://logs/2024-01-01/a.gz") // groups[0] == "2024-01-01"
//
// Most patterns then run on Go's engine, in time linear in the length of the text. Look-around,
// back-references, atomic groups and possessive quantifiers need the backtracking engine, whose
// effort for one text is limited. It is also what a Search uses, which looks for a pattern within texts.
//
// What is left out is an error that says so: \G, \X, \N{..}, (?x), (?U), and the properties that
// only Java has (\p{javaLowerCase}, \p{InGreek}). (?u) is accepted but case folding stays ASCII.
//
// The package knows nothing about URLs, copying or SQL.
package javaregex
