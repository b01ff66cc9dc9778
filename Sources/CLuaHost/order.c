// `pairs` and `next` in an order that is the same in every run. Lua's own order follows a seed that it makes
// from addresses and the time. Here: numbers, then strings by their bytes, then false and true. Tables,
// functions and views as keys have nothing to be ordered by, so a table that has some is not iterated.
#include "vm.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int type;             // LUA_TNUMBER, LUA_TSTRING, LUA_TBOOLEAN
    bool is_integer;
    lua_Integer integer;  // also of a boolean
    lua_Number number;
    const char *text;     // kept alive by the table it is a key of, or by the list of keys
    size_t count;
    lua_Integer place;    // in the list of keys
} sort_key;

static int class_of(const sort_key *key) {
    return key->type == LUA_TNUMBER ? 0 : key->type == LUA_TSTRING ? 1 : 2;
}

// An integer and a float that is no integer (Lua makes an integer of a float key that is one).
static int compare_mixed(lua_Integer integer, lua_Number number) {
    if (number >= 9223372036854775808.0) return -1;
    if (number < -9223372036854775808.0) return 1;
    lua_Integer towards_zero = (lua_Integer)number;
    return integer < towards_zero + (number >= 0) ? -1 : 1;
}

static int compare(const void *left, const void *right) {
    const sort_key *a = left, *b = right;
    if (class_of(a) != class_of(b)) return class_of(a) - class_of(b);
    if (a->type == LUA_TSTRING) {
        int order = memcmp(a->text, b->text, a->count < b->count ? a->count : b->count);
        if (order != 0) return order;
        return (a->count > b->count) - (a->count < b->count);
    }
    if (a->type == LUA_TBOOLEAN || (a->is_integer && b->is_integer))
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->is_integer) return compare_mixed(a->integer, b->number);
    if (b->is_integer) return -compare_mixed(b->integer, a->number);
    return (a->number > b->number) - (a->number < b->number);
}

static sort_key read_key(lua_State *L, int index) {
    sort_key key = {.type = lua_type(L, index)};
    switch (key.type) {
    case LUA_TNUMBER:
        key.is_integer = lua_isinteger(L, index);
        if (key.is_integer) key.integer = lua_tointeger(L, index);
        else key.number = lua_tonumber(L, index);
        break;
    case LUA_TSTRING: key.text = lua_tolstring(L, index, &key.count); break;
    case LUA_TBOOLEAN: key.integer = lua_toboolean(L, index); break;
    default:
        luaL_error(L, "a table with a %s as key has no fixed order to iterate in", luaL_typename(L, index));
    }
    return key;
}

// Upvalues: the table, the list of its keys, the sorted keys, how many there are, how many are done.
static int next_pair(lua_State *L) {
    const sort_key *sorted = lua_touserdata(L, lua_upvalueindex(3));
    lua_Integer count = lua_tointeger(L, lua_upvalueindex(4)), done = lua_tointeger(L, lua_upvalueindex(5));
    lua_settop(L, 0);
    while (done < count) {
        lua_rawgeti(L, lua_upvalueindex(2), sorted[done++].place);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
            lua_pushinteger(L, done);
            lua_replace(L, lua_upvalueindex(5));
            return 2;
        }
        lua_settop(L, 0);  // removed since
        lh_charge(L, 1);
    }
    lua_pushinteger(L, done);
    lua_replace(L, lua_upvalueindex(5));
    lua_pushnil(L);
    return 1;
}

static lua_Integer count_keys(lua_State *L) {
    lua_Integer count = 0;
    lua_pushnil(L);
    for (; lua_next(L, 1); lua_pop(L, 1)) count++;
    lh_charge(L, count);
    return count;
}

int lh_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_Integer count = count_keys(L);
    lua_createtable(L, count < 1 << 20 ? (int)count : 0, 0);
    sort_key *keys = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *keys, 0);
    lua_Integer found = 0;
    bool is_sorted = true;
    lua_pushnil(L);
    for (; lua_next(L, 1) && found < count; lua_pop(L, 1)) {
        keys[found] = read_key(L, 4);
        keys[found].place = found + 1;
        lua_pushvalue(L, 4);
        lua_rawseti(L, 2, found + 1);
        is_sorted = is_sorted && (found == 0 || compare(&keys[found - 1], &keys[found]) < 0);
        found++;
    }
    lua_settop(L, 3);
    if (!is_sorted) {
        lh_charge(L, found * 8);
        qsort(keys, (size_t)found, sizeof *keys, compare);
    }
    lua_pushinteger(L, found);
    lua_pushinteger(L, 0);
    lua_pushvalue(L, 1);
    lua_insert(L, 1);
    lua_pushcclosure(L, next_pair, 5);
    lua_insert(L, 1);
    lua_pushnil(L);
    return 3;
}

// The key after the one given, found by looking at all: for `next(t) == nil`, not for loops.
int lh_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    bool has_start = !lua_isnil(L, 2);
    sort_key start = {0}, best = {0};
    if (has_start) {
        start = read_key(L, 2);
        lua_pushvalue(L, 2);
        lua_next(L, 1);  // raises where there is no such key and was none: one that was just removed is right
        lua_settop(L, 2);
    }
    bool has_best = false;
    lua_pushnil(L);  // the best key, at 3
    lua_pushnil(L);
    int64_t count = 0;
    for (; lua_next(L, 1); lua_pop(L, 1), count++) {
        sort_key key = read_key(L, 4);
        if (has_start && compare(&key, &start) <= 0) continue;
        if (has_best && compare(&key, &best) >= 0) continue;
        best = key;
        has_best = true;
        lua_pushvalue(L, 4);
        lua_replace(L, 3);
    }
    lh_charge(L, count);
    lua_settop(L, 3);
    if (!has_best) return 1;
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}
