#include "pattern.h"

#include <ctype.h>
#include <string.h>

// Depth of recursion: one for each quantifier, capture or "?" that is open. Lua's matcher has the same.
enum { MATCH_DEPTH = 200 };
// `count` of a capture that is not a string.
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

static const char *match(lh_matcher *m, const char *s, const char *p);

static void step(lh_matcher *m, int64_t count) {
    m->steps -= count;
    // No hook comes here.
    if ((m->steps & 1023) < count && lh_flag_is_set(lh_of(m->L)->flag)) lh_stop_for_instructions(m->L);
    if (m->steps >= 0) return;
    int64_t limit = lh_of(m->L)->limits.pattern_steps;
    lh_stop(m->L, LH_PATTERN, "the pattern '%.60s' takes more than %lld steps on %zu bytes", m->pattern,
            (long long)limit, (size_t)(m->subject_end - m->subject));
}

static bool is_in_class(int c, int letter) {
    bool result;
    switch (tolower(letter)) {
    case 'a': result = isalpha(c); break;
    case 'c': result = iscntrl(c); break;
    case 'd': result = isdigit(c); break;
    case 'g': result = isgraph(c); break;
    case 'l': result = islower(c); break;
    case 'p': result = ispunct(c); break;
    case 's': result = isspace(c); break;
    case 'u': result = isupper(c); break;
    case 'w': result = isalnum(c); break;
    case 'x': result = isxdigit(c); break;
    default: return letter == c;
    }
    return isupper(letter) ? !result : result;
}

// `p` is at the "[", `end` behind the "]".
static bool is_in_set(int c, const char *p, const char *end) {
    bool is_member = true;
    end--;
    if (*++p == '^') { is_member = false; p++; }
    for (; p < end; p++) {
        if (*p == '%') {
            p++;
            if (is_in_class(c, (unsigned char)*p)) return is_member;
        } else if (p[1] == '-' && p + 2 < end) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return is_member;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return is_member;
        }
    }
    return !is_member;
}

// Where the single-character item at `p` ends.
static const char *end_of_item(lh_matcher *m, const char *p) {
    char c = *p++;
    if (c == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (c != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do {  // a "]" at the start is a member
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end) p++;
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static bool is_match(lh_matcher *m, const char *s, const char *p, const char *end) {
    step(m, 1 + ((end - p) >> 3));
    if (s >= m->subject_end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return is_in_class(c, (unsigned char)p[1]);
    case '[': return is_in_set(c, p, end);
    default: return (unsigned char)*p == c;
    }
}

static const char *match_balanced(lh_matcher *m, const char *s, const char *p) {
    if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != *p) return NULL;
    int64_t depth = 1;
    const char *at = s + 1;
    for (; at < m->subject_end; at++) {
        if (*at == p[1]) {
            if (--depth == 0) break;
        } else if (*at == *p) {
            depth++;
        }
    }
    step(m, at - s);
    return at < m->subject_end ? at + 1 : NULL;
}

// As many as possible, then fewer and fewer.
static const char *match_most(lh_matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (is_match(m, s + count, p, end)) count++;
    for (; count >= 0; count--) {
        const char *result = match(m, s + count, end + 1);
        if (result) return result;
    }
    return NULL;
}

// As few as possible, then more and more.
static const char *match_fewest(lh_matcher *m, const char *s, const char *p, const char *end) {
    for (;;) {
        const char *result = match(m, s, end + 1);
        if (result) return result;
        if (!is_match(m, s, p, end)) return NULL;
        s++;
    }
}

static const char *open_capture(lh_matcher *m, const char *s, const char *p) {
    if (m->captures >= LH_CAPTURES) luaL_error(m->L, "too many captures");
    bool is_position = p + 1 < m->pattern_end && p[1] == ')';
    m->capture[m->captures].start = s;
    m->capture[m->captures].count = is_position ? CAPTURE_POSITION : CAPTURE_OPEN;
    m->captures++;
    const char *result = match(m, s, p + (is_position ? 2 : 1));
    if (!result) m->captures--;
    return result;
}

static const char *close_capture(lh_matcher *m, const char *s, const char *p) {
    int place = m->captures - 1;
    while (place >= 0 && m->capture[place].count != CAPTURE_OPEN) place--;
    if (place < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[place].count = s - m->capture[place].start;
    const char *result = match(m, s, p + 1);
    if (!result) m->capture[place].count = CAPTURE_OPEN;
    return result;
}

static const char *match_reference(lh_matcher *m, const char *s, char digit) {
    int place = digit - '1';
    if (place < 0 || place >= m->captures || m->capture[place].count == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index %%%d", place + 1);
    ptrdiff_t count = m->capture[place].count;
    if (count == CAPTURE_POSITION) return NULL;
    step(m, 1 + (count >> 3));
    if (m->subject_end - s < count || memcmp(m->capture[place].start, s, (size_t)count) != 0) return NULL;
    return s + count;
}

// Whether the frontier at `s` is one into the set at `p`.
static bool is_frontier(lh_matcher *m, const char *s, const char *p, const char *end) {
    step(m, 1 + ((end - p) >> 3));
    int before = s == m->subject ? 0 : (unsigned char)s[-1];
    int after = s == m->subject_end ? 0 : (unsigned char)*s;
    return !is_in_set(before, p, end) && is_in_set(after, p, end);
}

// Matches "%b", "%f" and "%1" in place: moves both on. False: no match.
static bool match_special(lh_matcher *m, const char **s, const char **p) {
    const char *at = *p + 2;
    if ((*p)[1] == 'b') {
        *s = match_balanced(m, *s, at);
        *p += 4;
        return *s != NULL;
    }
    if ((*p)[1] == 'f') {
        if (at >= m->pattern_end || *at != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = end_of_item(m, at);
        *p = end;
        return is_frontier(m, *s, at, end);
    }
    *s = match_reference(m, *s, (*p)[1]);
    *p += 2;
    return *s != NULL;
}

static bool is_special(const lh_matcher *m, const char *p) {
    if (*p != '%' || p + 1 >= m->pattern_end) return false;
    return p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1]);
}

static const char *match_items(lh_matcher *m, const char *s, const char *p) {
    for (;;) {
        step(m, 1);
        if (p == m->pattern_end) return s;
        if (*p == '(') return open_capture(m, s, p);
        if (*p == ')') return close_capture(m, s, p);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->subject_end ? s : NULL;
        if (is_special(m, p)) {
            if (!match_special(m, &s, &p)) return NULL;
            continue;
        }
        const char *end = end_of_item(m, p);
        char suffix = end < m->pattern_end ? *end : 0;
        if (suffix == '*') return match_most(m, s, p, end);
        if (suffix == '-') return match_fewest(m, s, p, end);
        if (suffix == '+') return is_match(m, s, p, end) ? match_most(m, s + 1, p, end) : NULL;
        if (suffix == '?') {
            if (is_match(m, s, p, end)) {
                const char *result = match(m, s + 1, end + 1);
                if (result) return result;
            }
            p = end + 1;
            continue;
        }
        if (!is_match(m, s, p, end)) return NULL;
        s++;
        p = end;
    }
}

static const char *match(lh_matcher *m, const char *s, const char *p) {
    if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
    const char *result = match_items(m, s, p);
    m->depth++;
    return result;
}

bool lh_matcher_open(lua_State *L, lh_matcher *m, int subject_index, int pattern_index) {
    size_t subject_count = 0, pattern_count = 0;
    const lh_limits *limits = &lh_of(L)->limits;
    m->L = L;
    m->subject = luaL_checklstring(L, subject_index, &subject_count);
    m->pattern = luaL_checklstring(L, pattern_index, &pattern_count);
    if (subject_count > limits->subject_bytes)
        luaL_error(L, "patterns are matched in strings of up to %I bytes, not %I",
                   (LUAI_UACINT)limits->subject_bytes, (LUAI_UACINT)subject_count);
    m->subject_end = m->subject + subject_count;
    m->pattern_end = m->pattern + pattern_count;
    m->steps = limits->pattern_steps;
    m->captures = 0;
    bool is_anchored = *m->pattern == '^';
    if (is_anchored) m->pattern++;
    return is_anchored;
}

const char *lh_match_at(lh_matcher *m, const char *start) {
    int64_t steps = m->steps;
    m->depth = MATCH_DEPTH;
    m->captures = 0;
    const char *end = match(m, start, m->pattern);
    lh_charge(m->L, steps - m->steps);
    return end;
}

void lh_push_capture(lh_matcher *m, int place, const char *start, const char *end) {
    if (place >= m->captures) {
        if (place != 0) luaL_error(m->L, "invalid capture index %%%d", place + 1);
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t count = m->capture[place].count;
    if (count == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (count == CAPTURE_POSITION) lua_pushinteger(m->L, m->capture[place].start - m->subject + 1);
    else lua_pushlstring(m->L, m->capture[place].start, (size_t)count);
}

int lh_push_captures(lh_matcher *m, const char *start, const char *end) {
    int count = m->captures == 0 && start ? 1 : m->captures;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) lh_push_capture(m, i, start, end);
    return count;
}
