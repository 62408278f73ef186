/* Prints the answers that the generator of TPC-DS knows for a scale, a zero byte after each. */
#include <stdio.h>
#include <string.h>

enum { QUERIES = 99 };

extern const char *TPCDS_ANSWERS_SF0_01[QUERIES], *TPCDS_ANSWERS_SF1[QUERIES];

int main(int count, char **arguments) {
	const char **answers = count == 2 && strcmp(arguments[1], "1") == 0 ? TPCDS_ANSWERS_SF1 : TPCDS_ANSWERS_SF0_01;
	for (int n = 0; n < QUERIES; n++) {
		fputs(answers[n], stdout);
		putchar(0);
	}
	return fflush(stdout) != 0;
}
