// The table library. Lua's own loops over ranges of any length that the script names, without a hook,
// and its sort may pick pivots by the clock. These count their steps, and the sort is stable.
#include "vm.h"

#include <limits.h>

static lua_Integer length_of(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE) luaL_checktype(L, index, LUA_TTABLE);
    return luaL_len(L, index);
}

static int table_insert(lua_State *L) {
    lua_Integer end = (lua_Integer)((lua_Unsigned)length_of(L, 1) + 1), at = end;
    switch (lua_gettop(L)) {
    case 2: break;
    case 3:
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)at - 1U < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > at; i--) {
            lh_charge(L, 1);
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
        break;
    default: return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L) {
    lua_Integer size = length_of(L, 1);
    lua_Integer at = luaL_optinteger(L, 2, size);
    if (at != size)
        luaL_argcheck(L, (lua_Unsigned)at - 1U <= (lua_Unsigned)size, 2, "position out of bounds");
    lua_geti(L, 1, at);
    for (; at < size; at++) {
        lh_charge(L, 1);
        lua_geti(L, 1, at + 1);
        lua_seti(L, 1, at);
    }
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

static int table_move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, target, LUA_TTABLE);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        lua_Integer count = last - first + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        bool goes_up = to > last || to <= first || !lua_rawequal(L, 1, target);
        for (lua_Integer n = 0; n < count; n++) {
            lua_Integer i = goes_up ? n : count - 1 - n;
            lh_charge(L, 1);
            lua_geti(L, 1, first + i);
            lua_seti(L, target, to + i);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

static int table_concat(lua_State *L) {
    lua_Integer last = length_of(L, 1);
    size_t separator_count = 0;
    const char *separator = luaL_optlstring(L, 2, "", &separator_count);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    last = luaL_optinteger(L, 4, last);
    size_t limit = lh_of(L)->limits.string_bytes;
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = first; i <= last; i++) {
        lh_charge(L, 1);
        lua_geti(L, 1, i);
        if (!lua_isstring(L, -1))
            luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
                       (LUAI_UACINT)i);
        luaL_addvalue(&buffer);
        if (i < last) luaL_addlstring(&buffer, separator, separator_count);
        if (luaL_bufflen(&buffer) > limit)
            luaL_error(L, "the result is longer than %I bytes", (LUAI_UACINT)limit);
        if (i == LUA_MAXINTEGER) break;
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int table_unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= INT_MAX || !lua_checkstack(L, (int)++count))
        return luaL_error(L, "too many results to unpack");
    lh_charge(L, (int64_t)count);
    for (lua_Unsigned i = 0; i < count; i++) lua_geti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    return (int)count;
}

// ---- sort ----

// At 1 the table, at 2 the script's comparison or nil. Of the two values on top: whether the upper goes
// before the lower. Leaves them.
static bool goes_before(lua_State *L) {
    lh_charge(L, 1);
    if (lua_isnil(L, 2)) return lua_compare(L, -1, -2, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -4);
    lua_call(L, 2, 1);
    bool result = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return result;
}

// Merges two sorted runs of the table at `source` into the one at `target`.
static void merge(
    lua_State *L, int source, int target, lua_Integer left, lua_Integer middle, lua_Integer end) {
    lua_Integer right = middle;
    for (lua_Integer at = left; at < end; at++) {
        bool takes_right = left >= middle;
        if (!takes_right && right < end) {
            lua_rawgeti(L, source, left);
            lua_rawgeti(L, source, right);
            takes_right = goes_before(L);
            lua_pop(L, 2);
        }
        lua_rawgeti(L, source, takes_right ? right++ : left++);
        lua_rawseti(L, target, at);
    }
}

static int table_sort(lua_State *L) {
    lua_Integer size = length_of(L, 1);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    luaL_argcheck(L, size < INT_MAX, 1, "array too big");
    if (size < 2) return 0;
    lh_charge(L, size);
    int source = 3, target = 4;
    lua_createtable(L, (int)size, 0);
    lua_createtable(L, (int)size, 0);
    for (lua_Integer i = 1; i <= size; i++) {
        lua_geti(L, 1, i);
        lua_rawseti(L, source, i);
    }
    for (lua_Integer width = 1; width < size; width *= 2) {
        for (lua_Integer left = 1; left <= size; left += 2 * width) {
            lua_Integer middle = left + width <= size ? left + width : size + 1;
            lua_Integer end = left + 2 * width <= size ? left + 2 * width : size + 1;
            merge(L, source, target, left, middle, end);
        }
        int swap = source;
        source = target;
        target = swap;
    }
    for (lua_Integer i = 1; i <= size; i++) {
        lua_rawgeti(L, source, i);
        lua_seti(L, 1, i);
    }
    return 0;
}

void lh_open_tables(lua_State *L) {
    static const char *const counted[] = {"pack", NULL};
    lh_replace(L, "insert", table_insert);
    lh_replace(L, "remove", table_remove);
    lh_replace(L, "move", table_move);
    lh_replace(L, "concat", table_concat);
    lh_replace(L, "unpack", table_unpack);
    lh_replace(L, "sort", table_sort);
    lh_count(L, counted);
}
