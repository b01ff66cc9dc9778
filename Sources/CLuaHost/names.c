// The tables that scripts see, and what they are told about names that are not there.
#define _GNU_SOURCE  // memrchr
#include "vm.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 64 };

// How much has to be done to make one name of the other: 2 for each letter changed, added or dropped, and 1 for
// two that changed places.
static int distance(const char *left, size_t left_count, const char *right, size_t right_count) {
    int rows[3][NAME_BYTES + 1];
    int *before = rows[0], *row = rows[1], *next = rows[2];
    for (size_t j = 0; j <= right_count; j++) row[j] = 2 * (int)j;
    for (size_t i = 1; i <= left_count; i++) {
        next[0] = 2 * (int)i;
        for (size_t j = 1; j <= right_count; j++) {
            int least = row[j - 1] + 2 * (left[i - 1] != right[j - 1]);
            if (row[j] + 2 < least) least = row[j] + 2;
            if (next[j - 1] + 2 < least) least = next[j - 1] + 2;
            bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped && before[j - 2] + 1 < least) least = before[j - 2] + 1;
            next[j] = least;
        }
        int *oldest = before;
        before = row;
        row = next;
        next = oldest;
    }
    return row[right_count];
}

// Writes the key of the table nearest to the key at `key`, if one is near.
static void write_nearest(lua_State *L, int key, int table, char *nearest) {
    size_t count = 0;
    const char *name = lua_tolstring(L, key, &count);
    if (count == 0 || count > NAME_BYTES) return;
    int least = count < 4 ? 3 : 5;
    lua_pushnil(L);
    for (; lua_next(L, table); lua_pop(L, 1)) {
        lh_charge(L, 8);
        size_t other_count = 0;
        const char *other = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &other_count) : NULL;
        if (!other || other_count >= NAME_BYTES) continue;
        int here = distance(name, count, other, other_count);
        // Of two as near the first in the alphabet, so that the answer is always the same.
        if (here > least || (here == least && (!*nearest || strcmp(other, nearest) > 0))) continue;
        least = here;
        memcpy(nearest, other, other_count);
        nearest[other_count] = 0;
    }
}

int lh_raise_unknown(lua_State *L, const char *what, int key, int table) {
    if (lua_type(L, key) != LUA_TSTRING)
        return luaL_error(L, "%s of type %s", what, luaL_typename(L, key));
    char name[NAME_BYTES + 8], nearest[NAME_BYTES] = "";
    snprintf(name, sizeof name, "%.*s", NAME_BYTES, lua_tostring(L, key));
    write_nearest(L, key, table, nearest);
    if (*nearest) return luaL_error(L, "%s '%s' (did you mean '%s'?)", what, name, nearest);
    return luaL_error(L, "%s '%s'", what, name);
}

// `__newindex` of all that belongs to the host. Upvalue 1: the name, "" for the globals.
int lh_refuse_write(lua_State *L) {
    const char *owner = lua_tostring(L, lua_upvalueindex(1));
    if (!owner || *owner) return luaL_error(L, "'%s' cannot be changed", owner ? owner : "it");
    char name[NAME_BYTES + 8];
    snprintf(name, sizeof name, "%.*s", NAME_BYTES, lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
    return luaL_error(L, "assignment to undeclared global '%s'", name);
}

// `__index` of a real table. Upvalue 1: its path.
static int unknown(lua_State *L) {
    const char *path = lua_tostring(L, lua_upvalueindex(1));
    char what[NAME_BYTES + 32] = "undefined global";
    if (*path) snprintf(what, sizeof what, "'%.*s' has no field", NAME_BYTES, path);
    return lh_raise_unknown(L, what, 2, 1);
}

// Makes the table on top the real one behind `path`. Pushes the one that scripts get: an empty table that
// reads through and refuses to be written.
static void push_front(lua_State *L, const char *path, size_t count) {
    int real = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lh_of(L)->namespaces_reference);
    lua_pushlstring(L, path, count);
    lua_pushvalue(L, real);
    lua_rawset(L, -3);
    lua_settop(L, real);
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, path, count);
    lua_pushcclosure(L, unknown, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, real);
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushlstring(L, path, count);
    lua_pushcclosure(L, lh_refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

// Puts the table on top behind a front under its path.
static void publish(lua_State *L, const char *path, size_t count) {
    push_front(L, path, count);
    const char *dot = memrchr(path, '.', count);
    size_t parent = dot ? (size_t)(dot - path) : 0;
    lh_push_namespace(L, path, parent);
    lua_pushlstring(L, dot ? dot + 1 : path, dot ? count - parent - 1 : count);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

void lh_push_namespace(lua_State *L, const char *path, size_t count) {
    luaL_checkstack(L, 12, "a name has too many parts");
    lua_rawgeti(L, LUA_REGISTRYINDEX, lh_of(L)->namespaces_reference);
    lua_pushlstring(L, path, count);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        publish(L, path, count);
    }
    lua_remove(L, -2);
}

// Puts the globals and the libraries behind fronts. The globals that chunks get are the front.
void lh_protect_libraries(lua_State *L) {
    lua_newtable(L);
    lh_of(L)->namespaces_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushglobaltable(L);
    push_front(L, "", 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    static const char *const libraries[] = {"string", "table", "math", "utf8"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        lua_getfield(L, -1, libraries[i]);
        publish(L, libraries[i], strlen(libraries[i]));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

// ---- definitions of the host ----

typedef struct { const char *path; int32_t function; bool is_function; } define_frame;

static int define_body(lua_State *L) {
    const define_frame *frame = lua_touserdata(L, 1);
    const char *dot = strrchr(frame->path, '.');
    lh_push_namespace(L, frame->path, dot ? (size_t)(dot - frame->path) : 0);
    lua_pushstring(L, dot ? dot + 1 : frame->path);
    if (frame->is_function) {
        lua_pushinteger(L, frame->function);
        lua_pushcclosure(L, lh_trampoline, 1);
    } else {
        lh_push_outgoing(L, lh_of(L), 1);
    }
    lua_rawset(L, -3);
    return 0;
}

lh_status lh_define_function(lh_vm *vm, const char *path, int32_t function) {
    define_frame frame = {path, function, true};
    return lh_protected(vm, define_body, &frame);
}

lh_status lh_define_value(lh_vm *vm, const char *path) {
    define_frame frame = {path, 0, false};
    lh_status status = lh_protected(vm, define_body, &frame);
    vm->outgoing_count = 0;
    return status;
}
