// Lua's patterns (section 6.4.1 of its manual), with every step counted: a pattern that tries again and again
// stops where its budget ends. Lua's own matcher has no such end.
#ifndef LH_PATTERN_H
#define LH_PATTERN_H

#include "vm.h"

#define LH_CAPTURES 32

typedef struct {
    lua_State *L;
    const char *subject, *subject_end, *pattern, *pattern_end;
    int64_t steps;                      // left
    int depth;                          // left
    int captures;
    struct { const char *start; ptrdiff_t count; } capture[LH_CAPTURES];
} lh_matcher;

// Prepares to match the pattern at `pattern_index`, less a "^" at its start, in `subject_index`.
// True: the pattern is anchored.
bool lh_matcher_open(lua_State *L, lh_matcher *matcher, int subject_index, int pattern_index);
// Matches at `start`; the end of the match, or NULL. Charges for the steps it took.
const char *lh_match_at(lh_matcher *matcher, const char *start);
// Pushes a capture. Without captures the first is the whole match.
void lh_push_capture(lh_matcher *matcher, int place, const char *start, const char *end);
// Pushes all captures, or the whole match if `start` is given and there are none; returns how many.
int lh_push_captures(lh_matcher *matcher, const char *start, const char *end);

#endif
