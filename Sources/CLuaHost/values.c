// Values between the two sides. Towards Lua they wait in a list of the machine, because to push may raise.
#include "vm.h"

#include <stdlib.h>
#include <string.h>

// ---- towards Lua ----

void *lh_grown(void *list, int32_t count, int32_t *capacity, size_t size) {
    if (count < *capacity) return list;
    int32_t larger = *capacity < 16 ? 16 : *capacity * 2;
    void *moved = larger > *capacity ? realloc(list, (size_t)larger * size) : NULL;
    if (moved) *capacity = larger;
    return moved;
}

void lh_begin(lh_vm *vm) {
    vm->outgoing_count = 0;
    vm->arena_count = 0;
    vm->has_outgoing_failed = false;
}

static void append(lh_vm *vm, lh_value value) {
    lh_value *list = lh_grown(vm->outgoing, vm->outgoing_count, &vm->outgoing_capacity, sizeof *list);
    if (!list) { vm->has_outgoing_failed = true; return; }
    vm->outgoing = list;
    vm->outgoing[vm->outgoing_count++] = value;
}

void lh_push_nil(lh_vm *vm) { append(vm, (lh_value){.kind = LH_NIL}); }
void lh_push_boolean(lh_vm *vm, bool value) {
    append(vm, (lh_value){.kind = LH_BOOLEAN, .integer = value});
}
void lh_push_integer(lh_vm *vm, int64_t value) {
    append(vm, (lh_value){.kind = LH_INTEGER, .integer = value});
}
void lh_push_number(lh_vm *vm, double value) {
    append(vm, (lh_value){.kind = LH_NUMBER, .number = value});
}
void lh_push_view(lh_vm *vm, int32_t view) {
    append(vm, (lh_value){.kind = LH_VIEW, .integer = view});
}
void lh_push_reference(lh_vm *vm, int32_t reference) {
    append(vm, (lh_value){.kind = LH_FUNCTION, .reference = reference});
}
void lh_push_table(lh_vm *vm, int32_t pairs) {
    append(vm, (lh_value){.kind = LH_TABLE, .count = (size_t)pairs});
}
void lh_push_bytes(lh_vm *vm, const void *bytes, size_t count) {
    append(vm, (lh_value){.kind = LH_STRING, .bytes = bytes ? bytes : "", .count = count});
}

void lh_push_copy(lh_vm *vm, const void *bytes, size_t count) {
    if (count > vm->limits.memory_bytes) { vm->has_outgoing_failed = true; return; }
    if (count > vm->arena_capacity - vm->arena_count) {
        size_t capacity = vm->arena_count + count < 256 ? 256 : (vm->arena_count + count) * 2;
        char *moved = realloc(vm->arena, capacity);
        if (!moved) { vm->has_outgoing_failed = true; return; }
        vm->arena = moved;
        vm->arena_capacity = capacity;
    }
    if (count > 0) memcpy(vm->arena + vm->arena_count, bytes, count);
    // The arena may move: the place in it is kept, and no pointer.
    append(vm, (lh_value){.kind = LH_STRING, .integer = (int64_t)vm->arena_count, .count = count});
    vm->arena_count += count;
}

// Whether to push the values allocates nothing.
bool lh_is_flat(const lh_vm *vm) {
    if (vm->has_outgoing_failed) return false;
    for (int32_t i = 0; i < vm->outgoing_count; i++)
        if (vm->outgoing[i].kind == LH_STRING || vm->outgoing[i].kind == LH_TABLE) return false;
    return true;
}

// Pushes a value that needs no memory; false: it is none.
static inline bool push_simple(lua_State *L, lh_vm *vm, const lh_value *value) {
    switch (value->kind) {
    case LH_INTEGER: lua_pushinteger(L, value->integer); return true;
    case LH_VIEW: lua_rawgeti(L, LUA_REGISTRYINDEX, vm->views[value->integer]->reference); return true;
    case LH_NIL: lua_pushnil(L); return true;
    case LH_BOOLEAN: lua_pushboolean(L, value->integer != 0); return true;
    case LH_NUMBER: lua_pushnumber(L, value->number); return true;
    case LH_FUNCTION: lua_rawgeti(L, LUA_REGISTRYINDEX, value->reference); return true;
    default: return false;
    }
}

void lh_push_flat(lua_State *L, lh_vm *vm) {
    for (int32_t i = 0; i < vm->outgoing_count; i++) push_simple(L, vm, &vm->outgoing[i]);
}

static int32_t push_value(lua_State *L, lh_vm *vm, int32_t at);

// Pushes the table at `at` of the list; returns where the list goes on.
static int32_t push_table(lua_State *L, lh_vm *vm, int32_t at) {
    size_t pairs = vm->outgoing[at].count;
    luaL_checkstack(L, 4, "a value of the host is nested too deeply");
    lua_createtable(L, 0, pairs < 64 ? (int)pairs : 64);
    at++;
    for (size_t i = 0; i < pairs; i++) {
        at = push_value(L, vm, at);
        at = push_value(L, vm, at);
        lua_rawset(L, -3);
    }
    return at;
}

static int32_t push_value(lua_State *L, lh_vm *vm, int32_t at) {
    if (at >= vm->outgoing_count) { lua_pushnil(L); return at; }
    const lh_value *value = &vm->outgoing[at];
    if (value->kind == LH_TABLE) return push_table(L, vm, at);
    if (value->kind == LH_STRING)
        lua_pushlstring(L, value->bytes ? value->bytes : vm->arena + value->integer, value->count);
    else
        push_simple(L, vm, value);
    return at + 1;
}

// Pushes the first `count` values and what belongs to them, and empties the list.
int lh_push_outgoing(lua_State *L, lh_vm *vm, int32_t count) {
    if (vm->has_outgoing_failed) lh_stop_for_memory(L);
    luaL_checkstack(L, count, "too many values");
    int32_t at = 0;
    for (int32_t i = 0; i < count; i++) at = push_value(L, vm, at);
    vm->outgoing_count = 0;
    return count;
}

// ---- from Lua ----

static lh_view *view_at(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;
}

static lh_value value_at(lua_State *L, int index) {
    lh_value value = {.kind = LH_OTHER};
    switch (lua_type(L, index)) {
    case LUA_TNIL: case LUA_TNONE: value.kind = LH_NIL; break;
    case LUA_TBOOLEAN:
        value.kind = LH_BOOLEAN;
        value.integer = lua_toboolean(L, index);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            value.kind = LH_INTEGER;
            value.integer = lua_tointeger(L, index);
        } else {
            value.kind = LH_NUMBER;
            value.number = lua_tonumber(L, index);
        }
        break;
    case LUA_TSTRING:
        value.kind = LH_STRING;
        value.bytes = lua_tolstring(L, index, &value.count);
        break;
    case LUA_TFUNCTION: value.kind = LH_FUNCTION; break;
    case LUA_TTABLE: value.kind = LH_TABLE; break;
    case LUA_TUSERDATA:
        value.kind = LH_VIEW;
        value.integer = view_at(L, index)->view;
        break;
    default: break;
    }
    return value;
}

lh_value lh_value_at(lh_vm *vm, int32_t index) { return value_at(vm->L, index); }

static int reference_body(lua_State *L) {
    int32_t *reference = lua_touserdata(L, 1);
    *reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

lh_status lh_reference_at(lh_vm *vm, int32_t index, int32_t *reference) {
    *reference = LUA_NOREF;
    return lh_protected_with(vm, reference_body, reference, index);
}

void lh_release(lh_vm *vm, int32_t reference) {
    // A slot that was in use is marked free, which allocates nothing.
    if (reference > 0 && lua_checkstack(vm->L, 4)) luaL_unref(vm->L, LUA_REGISTRYINDEX, reference);
}

static void append_to_tree(lua_State *L, lh_vm *vm, lh_value value) {
    lh_charge(L, 1);
    if (vm->tree_count >= vm->limits.tree_entries)
        luaL_error(L, "the table has more than %d keys and values", vm->limits.tree_entries);
    lh_value *list = lh_grown(vm->tree, vm->tree_count, &vm->tree_capacity, sizeof *list);
    if (!list) lh_stop_for_memory(L);
    vm->tree = list;
    vm->tree[vm->tree_count++] = value;
}

// Appends the value at the absolute index `index` and what is in it. Recursion ends where the depth does.
static void read_tree(lua_State *L, lh_vm *vm, int index, int depth) {
    lh_value value = value_at(L, index);
    int32_t place = vm->tree_count;
    append_to_tree(L, vm, value);
    if (value.kind != LH_FUNCTION && value.kind != LH_TABLE) return;
    luaL_checkstack(L, 6, "a table is nested too deeply");
    lua_pushvalue(L, index);
    vm->tree[place].reference = luaL_ref(L, LUA_REGISTRYINDEX);
    if (value.kind == LH_FUNCTION) return;
    if (depth >= vm->limits.tree_depth)
        luaL_error(L, "the table is nested more than %d deep, or contains itself", vm->limits.tree_depth);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int key = lua_gettop(L) - 1, type = lua_type(L, key);
        if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TBOOLEAN)
            luaL_error(L, "a table with a %s as key cannot be read", lua_typename(L, type));
        read_tree(L, vm, key, depth + 1);
        read_tree(L, vm, key + 1, depth + 1);
        vm->tree[place].count++;
        lua_settop(L, key);
    }
}

static int tree_body(lua_State *L) {
    read_tree(L, lh_of(L), 2, 0);
    return 0;
}

lh_status lh_tree_at(lh_vm *vm, int32_t index, const lh_value **values, int32_t *count) {
    vm->tree_count = 0;
    lh_status status = lh_protected_with(vm, tree_body, NULL, index);
    if (status != LH_OK) {
        for (int32_t i = 0; i < vm->tree_count; i++) lh_release(vm, vm->tree[i].reference);
        vm->tree_count = 0;
    }
    *values = vm->tree;
    *count = vm->tree_count;
    return status;
}

static int display_body(lua_State *L) {
    lh_vm *vm = lh_of(L);
    lh_push_display(L, 2);
    size_t count = 0;
    const char *text = lua_tolstring(L, -1, &count);
    lh_begin(vm);
    lh_push_copy(vm, text, count);
    if (vm->has_outgoing_failed) lh_stop_for_memory(L);
    return 0;
}

lh_status lh_display_at(lh_vm *vm, int32_t index, const void **bytes, size_t *count) {
    lh_status status = lh_protected_with(vm, display_body, NULL, index);
    *bytes = vm->arena;
    *count = status == LH_OK ? vm->arena_count : 0;
    return status;
}

// ---- words ----

static int words_body(lua_State *L) {
    int32_t *words = lua_touserdata(L, 1);
    lua_newtable(L);
    *words = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

lh_status lh_words_open(lh_vm *vm, int32_t *words) {
    *words = LUA_NOREF;
    return lh_protected(vm, words_body, words);
}

typedef struct { int32_t words, place; const char *word; } word_frame;

static int word_body(lua_State *L) {
    const word_frame *frame = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, frame->words);
    lua_pushinteger(L, frame->place);
    lua_setfield(L, -2, frame->word);
    return 0;
}

lh_status lh_words_add(lh_vm *vm, int32_t words, const char *word, int32_t place) {
    word_frame frame = {words, place, word};
    return lh_protected(vm, word_body, &frame);
}

int32_t lh_word_at(lh_vm *vm, int32_t index, int32_t words) {
    lua_State *L = vm->L;
    if (lua_type(L, index) != LUA_TSTRING || !lua_checkstack(L, 4)) return -1;
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, words);
    if (!lua_istable(L, -1)) { lua_settop(L, top); return -1; }
    lua_pushvalue(L, index);
    int32_t place = lua_rawget(L, -2) == LUA_TNUMBER ? (int32_t)lua_tointeger(L, -1) : -1;
    lua_settop(L, top);
    return place;
}
