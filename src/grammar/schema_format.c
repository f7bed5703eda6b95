// Formats of strings, as regular expressions.
//
// Each is within what its standard allows, though not all of it where that is of no use: names have
// a bounded length, addresses no quoted parts. A format that isn't here is an annotation, as the
// specification has it.
#include "grammar/schema_text.h"

#include <stdio.h>
#include <string.h>

#define YEAR "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
#define LEAP_YEAR "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
#define DATE                                                                                       \
    "(" YEAR "-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"                                          \
    "|" YEAR "-(0[469]|11)-(0[1-9]|[12][0-9]|30)"                                                  \
    "|" YEAR "-02-(0[1-9]|1[0-9]|2[0-8])"                                                          \
    "|" LEAP_YEAR "-02-29)"
#define CLOCK "([01][0-9]|2[0-3]):[0-5][0-9]"
#define TIME CLOCK ":[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]" CLOCK ")"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?" // 8 of 30 with points: below 253
#define HOST LABEL "(\\." LABEL "){0,7}"
#define BYTE_NUMBER "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 BYTE_NUMBER "(\\." BYTE_NUMBER "){3}"
#define HEX4 "[0-9A-Fa-f]{1,4}"
#define LAST_32_BITS "(" HEX4 ":" HEX4 "|" IPV4 ")"
#define IPV6                                                                                       \
    "((" HEX4 ":){6}" LAST_32_BITS "|::(" HEX4 ":){5}" LAST_32_BITS "|(" HEX4 ")?::(" HEX4         \
    ":){4}" LAST_32_BITS "|((" HEX4 ":){0,1}" HEX4 ")?::(" HEX4 ":){3}" LAST_32_BITS "|((" HEX4    \
    ":){0,2}" HEX4 ")?::(" HEX4 ":){2}" LAST_32_BITS "|((" HEX4 ":){0,3}" HEX4 ")?::" HEX4         \
    ":" LAST_32_BITS "|((" HEX4 ":){0,4}" HEX4 ")?::" LAST_32_BITS "|((" HEX4 ":){0,5}" HEX4       \
    ")?::" HEX4 "|((" HEX4 ":){0,6}" HEX4 ")?::)"
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}" // 3 of 20 with points: below 64
#define EMAIL ATOM "(\\." ATOM "){0,2}@" LABEL "(\\." LABEL "){1,5}"
#define URI_UNIT "([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
#define URI_REST(count)                                                                            \
    URI_UNIT "{0," count "}(\\?(" URI_UNIT "|\\?){0," count "})?(#(" URI_UNIT "|\\?){0," count "}" \
             ")"                                                                                   \
             "?"
#define URI(count)                                                                                 \
    "([A-Za-z][A-Za-z0-9+.-]{1,14}://" HOST "(:[0-9]{1,5})?(/" URI_REST(                           \
        count) ")?"                                                                                \
               "|(mailto|urn|data|tel|about):[A-Za-z0-9._~!$&'()*+,;=:@/-]" URI_UNIT "{0," count   \
               "})"

// Longest texts: 15 + 3 + 247 + 6 before the rest, which is at most 3 * 3 * count + 3.
static const schema_format formats[] = {
    {"date-time", DATE "T" TIME, 20, 35},
    {"date", DATE, 10, 10},
    {"time", TIME, 9, 24},
    {"duration",
     "P([0-9]{1,9}W"
     "|([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)"
     "(T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S))?"
     "|T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S))",
     3, 62},
    {"email", EMAIL, 5, 248},
    {"idn-email", EMAIL, 5, 248},
    {"hostname", HOST, 1, 247},
    {"idn-hostname", HOST, 1, 247},
    {"ipv4", IPV4, 7, 15},
    {"ipv6", IPV6, 2, 45},
    {"uuid", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", 36, 36},
    {"uri", URI("160"), 5, 1717},
    {"url", URI("160"), 5, 1717},
    {"iri", URI("160"), 5, 1717},
    {"uri-reference", "/?" URI_REST("160"), 0, 1450},
    {"iri-reference", "/?" URI_REST("160"), 0, 1450},
    {"json-pointer", "(/([^/~]|~[01])*)*", 0, SIZE_MAX},
};

int schema_find_format(const char *name) {
    for (int i = 0; i < (int)(sizeof formats / sizeof formats[0]); i++) {
        if (!strcmp(name, formats[i].name)) {
            return i;
        }
    }
    return -1;
}

const schema_format *schema_get_format(int number) {
    return &formats[number];
}

size_t schema_format_regex(int number, char regex[SCHEMA_FORMAT_BYTES]) {
    return (size_t)snprintf(regex, SCHEMA_FORMAT_BYTES, "^(%s)$", formats[number].regex);
}
