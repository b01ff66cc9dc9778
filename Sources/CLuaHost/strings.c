// The string library: what takes patterns, and what makes long strings from short ones, is our own.
#define _GNU_SOURCE  // memmem
#include "pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// ---- find, match, gmatch, gsub ----

// A start position as the script has it, negative from the end, as an offset. Past the end: above `count`.
static size_t start_offset(lua_Integer position, size_t count) {
    if (position > 0) return (size_t)position - 1;
    if (position == 0 || position < -(lua_Integer)count) return 0;
    return count - (size_t)-position;
}

static bool has_specials(const char *pattern, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (pattern[i] != 0 && strchr("^$*+?.([%-", pattern[i])) return true;
    return false;
}

static int find_plain(lua_State *L, const char *subject, size_t count, size_t start) {
    size_t wanted_count = 0;
    const char *wanted = lua_tolstring(L, 2, &wanted_count);
    lh_charge(L, (int64_t)((count + wanted_count) >> 3));
    const char *found = memmem(subject + start, count - start, wanted, wanted_count);
    if (!found) { lua_pushnil(L); return 1; }
    lua_pushinteger(L, found - subject + 1);
    lua_pushinteger(L, found - subject + (lua_Integer)wanted_count);
    return 2;
}

static int find_or_match(lua_State *L, bool finds) {
    size_t count = 0, pattern_count = 0;
    const char *subject = luaL_checklstring(L, 1, &count);
    const char *pattern = luaL_checklstring(L, 2, &pattern_count);
    size_t start = start_offset(luaL_optinteger(L, 3, 1), count);
    if (start > count) { lua_pushnil(L); return 1; }
    if (finds && (lua_toboolean(L, 4) || !has_specials(pattern, pattern_count)))
        return find_plain(L, subject, count, start);
    lh_matcher matcher;
    bool is_anchored = lh_matcher_open(L, &matcher, 1, 2);
    for (const char *at = matcher.subject + start; at <= matcher.subject_end; at++) {
        const char *end = lh_match_at(&matcher, at);
        if (end && !finds) return lh_push_captures(&matcher, at, end);
        if (end) {
            lua_pushinteger(L, at - matcher.subject + 1);
            lua_pushinteger(L, end - matcher.subject);
            return lh_push_captures(&matcher, NULL, NULL) + 2;
        }
        if (is_anchored) break;
    }
    lua_pushnil(L);
    return 1;
}

static int string_find(lua_State *L) { return find_or_match(L, true); }
static int string_match(lua_State *L) { return find_or_match(L, false); }

// Upvalues: the subject, the pattern, the offset to go on at, the end of the last match or -1.
static int gmatch_next(lua_State *L) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lh_matcher matcher;
    lh_matcher_open(L, &matcher, 1, 2);
    matcher.pattern = lua_tostring(L, 2);  // no anchor here: it would never match twice
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    const char *at = matcher.subject + lua_tointeger(L, lua_upvalueindex(3));
    for (; at <= matcher.subject_end; at++) {
        const char *end = lh_match_at(&matcher, at);
        if (!end || end - matcher.subject == last) continue;
        lua_pushinteger(L, end - matcher.subject);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return lh_push_captures(&matcher, at, end);
    }
    return 0;
}

static int string_gmatch(lua_State *L) {
    size_t count = 0;
    luaL_checklstring(L, 1, &count);
    luaL_checkstring(L, 2);
    size_t start = start_offset(luaL_optinteger(L, 3, 1), count);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(start > count ? count + 1 : start));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

static void add_replacement_text(lh_matcher *m, luaL_Buffer *buffer, const char *start, const char *end) {
    size_t count = 0;
    const char *text = lua_tolstring(m->L, 3, &count), *text_end = text + count;
    lh_charge(m->L, 1 + (int64_t)(count >> 3));
    for (; text < text_end; text++) {
        if (*text != '%') { luaL_addchar(buffer, *text); continue; }
        text++;
        if (text < text_end && *text == '%') {
            luaL_addchar(buffer, '%');
        } else if (text < text_end && *text == '0') {
            luaL_addlstring(buffer, start, (size_t)(end - start));
        } else if (text < text_end && isdigit((unsigned char)*text)) {
            lh_push_capture(m, *text - '1', start, end);
            luaL_tolstring(m->L, -1, NULL);  // a position is a number
            lua_remove(m->L, -2);
            luaL_addvalue(buffer);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
}

// Adds what goes in the place of one match.
static void add_replacement(lh_matcher *m, luaL_Buffer *buffer, const char *start, const char *end) {
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, lh_push_captures(m, start, end), 1);
        break;
    case LUA_TTABLE:
        lh_push_capture(m, 0, start, end);
        lua_gettable(L, 3);
        break;
    default:
        add_replacement_text(m, buffer, start, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, start, (size_t)(end - start));
    } else if (lua_isstring(L, -1)) {
        luaL_addvalue(buffer);
    } else {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
}

static int string_gsub(lua_State *L) {
    lh_matcher matcher;
    bool is_anchored = lh_matcher_open(L, &matcher, 1, 2);
    int type = lua_type(L, 3);
    bool has_replacement =
        type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE;
    luaL_argexpected(L, has_replacement, 3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)(matcher.subject_end - matcher.subject) + 1);
    if (type == LUA_TNUMBER) lua_tostring(L, 3);
    size_t limit = lh_of(L)->limits.string_bytes;
    const char *at = matcher.subject, *last = NULL;
    lua_Integer count = 0;
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    while (count < most) {
        const char *end = lh_match_at(&matcher, at);
        if (end && end != last) {
            count++;
            add_replacement(&matcher, &buffer, at, end);
            at = last = end;
        } else if (at < matcher.subject_end) {
            luaL_addchar(&buffer, *at++);
        } else {
            break;
        }
        if (luaL_bufflen(&buffer) > limit)
            luaL_error(L, "the result is longer than %I bytes", (LUAI_UACINT)limit);
        if (is_anchored) break;
    }
    luaL_addlstring(&buffer, at, (size_t)(matcher.subject_end - at));
    luaL_pushresult(&buffer);
    lua_pushinteger(L, count);
    return 2;
}

// ---- rep, format ----

static int string_rep(lua_State *L) {
    size_t count = 0, separator_count = 0;
    const char *text = luaL_checklstring(L, 1, &count);
    lua_Integer times = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_count);
    // An empty string a billion times is quickly said and long in the making.
    if (times <= 0 || count + separator_count == 0) { lua_pushliteral(L, ""); return 1; }
    size_t limit = lh_of(L)->limits.string_bytes;
    if (count > limit || separator_count > limit ||
        (lua_Unsigned)times > (limit + separator_count) / (count + separator_count))
        return luaL_error(L, "the result is longer than %I bytes", (LUAI_UACINT)limit);
    size_t total = (size_t)times * (count + separator_count) - separator_count;
    lh_charge(L, (times >> 2) + (int64_t)(total >> 6));
    luaL_Buffer buffer;
    char *end = luaL_buffinitsize(L, &buffer, total);
    for (; times > 1; times--) {
        end = (char *)memcpy(end, text, count) + count;
        end = (char *)memcpy(end, separator, separator_count) + separator_count;
    }
    memcpy(end, text, count);
    luaL_pushresultsize(&buffer, total);
    return 1;
}

// Lua's `format`, upvalue 1, gives the addresses of things for "%s" and "%p". Here the first gets its text
// beforehand, and there is no second.
static int string_format(lua_State *L) {
    size_t count = 0;
    const char *format = luaL_checklstring(L, 1, &count), *end = format + count;
    lh_charge(L, 1 + (int64_t)(count >> 2));
    int argument = 1, last = lua_gettop(L);
    for (; format < end; format++) {
        if (*format != '%') continue;
        if (++format < end && *format == '%') continue;
        while (format < end && strchr("-+ #0123456789.", *format) && *format) format++;
        argument++;
        if (format >= end || argument > last) break;
        if (*format == 'p') return luaL_error(L, "'%%p' is not available: addresses differ between runs");
        if (*format != 's' || lua_type(L, argument) == LUA_TNUMBER) continue;
        if (lua_type(L, argument) != LUA_TSTRING) {
            lh_push_display(L, argument);
            lua_replace(L, argument);
        }
        lh_charge(L, (int64_t)(lua_rawlen(L, argument) >> 3));
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void lh_open_strings(lua_State *L) {
    static const char *const counted[] = {
        "byte", "char", "lower", "upper", "reverse", "sub", "pack", "packsize", "unpack", NULL};
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lh_count(L, counted);
    lh_replace(L, "find", string_find);
    lh_replace(L, "match", string_match);
    lh_replace(L, "gmatch", string_gmatch);
    lh_replace(L, "gsub", string_gsub);
    lh_replace(L, "rep", string_rep);
    lua_getfield(L, -1, "format");
    lua_pushcclosure(L, string_format, 1);
    lua_setfield(L, -2, "format");
    // The metatable of all strings, which scripts could reach through any.
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}
