// What a script finds: base, table, string, math and utf8, less what would let it out, differ between runs,
// or work for longer than its budget.
#include "vm.h"

#include <stdio.h>
#include <string.h>

// ---- protected calls of the script ----

// After a `pcall` that failed: what stops a script goes on, only other errors end here.
static void pass_on_stop(lua_State *L, int code) {
    lh_vm *vm = lh_of(L);
    if (vm->stop != LH_OK) lh_raise_stop(L);
    if (code == LUA_ERRMEM) lh_stop_for_memory(L);
}

static int protected_call(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int code = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (code == LUA_OK) return lua_gettop(L);
    pass_on_stop(L, code);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

// Upvalue 1: the script's handler. It must not run for what stops the script: that may be raised by the hook,
// within which no hook runs, so that nothing could stop the handler.
static int guarded_handler(lua_State *L) {
    if (lh_of(L)->stop != LH_OK) return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int protected_call_with_handler(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    int arguments = lua_gettop(L) - 2;
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);  // function, handler, true, function, arguments
    int code = lua_pcall(L, arguments, LUA_MULTRET, 2);
    if (code == LUA_OK) return lua_gettop(L) - 2;
    pass_on_stop(L, code);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

// ---- without addresses, finalizers and weak tables ----

void lh_push_display(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "'__tostring' must return a string");
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: case LUA_TSTRING: case LUA_TBOOLEAN: case LUA_TNIL:
        luaL_tolstring(L, index, NULL);
        return;
    default:
        // Lua adds the address, which differs between runs.
        if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) return;
        lua_pushstring(L, luaL_typename(L, index));
    }
}

int lh_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    lh_push_display(L, 1);
    return 1;
}

static int set_metatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnoneornil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    // No hook runs within a finalizer, so that nothing could stop it; and when either happens depends on
    // the collector.
    static const char *const refused[] = {"__gc", "__mode"};
    for (int i = 0; i < 2 && lua_istable(L, 2); i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "'%s' is not available here", refused[i]);
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int raw_set(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (luaL_getmetafield(L, 1, "__newindex") == LUA_TFUNCTION && lua_tocfunction(L, -1) == lh_refuse_write)
        return luaL_error(L, "a table of the host cannot be changed");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

// ---- require ----

static bool is_module_name(const char *name, size_t count) {
    if (count == 0 || count > 100 || name[0] == '.' || name[count - 1] == '.') return false;
    for (size_t i = 0; i < count; i++) {
        char c = name[i];
        if (c == '.' && name[i + 1] == '.') return false;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) return false;
    }
    return true;
}

// Asks the host for the source and compiles it. Leaves the function on top.
static void load_module(lua_State *L) {
    lh_vm *vm = lh_of(L);
    if (lh_call_host(L, LH_REQUIRE, 1) < 2) luaL_error(L, "there is no module '%s'", lua_tostring(L, 1));
    size_t count = 0;
    const char *source = luaL_checklstring(L, -2, &count), *name = luaL_checkstring(L, -1);
    if (count > vm->limits.source_bytes)
        luaL_error(L, "the text of module '%s' is longer than %I bytes", lua_tostring(L, 1),
                   (LUAI_UACINT)vm->limits.source_bytes);
    int code = luaL_loadbufferx(L, source, count, name, "t");
    if (code == LUA_ERRMEM) lh_stop_for_memory(L);
    if (code != LUA_OK) lua_error(L);
}

int lh_require(lua_State *L) {
    size_t count = 0;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *name = lua_tolstring(L, 1, &count);
    lua_settop(L, 1);
    if (!is_module_name(name, count))
        return luaL_error(L, "a module's name has only a-z, 0-9, '_' and dots between them");
    lua_rawgeti(L, LUA_REGISTRYINDEX, lh_of(L)->modules_reference);
    lua_pushvalue(L, 1);
    int type = lua_rawget(L, 2);
    // Our own mark, which no script can have put there: it is no value of theirs.
    if (type == LUA_TLIGHTUSERDATA) return luaL_error(L, "module '%s' requires itself", name);
    if (type != LUA_TNIL) return 1;
    lua_settop(L, 1);
    load_module(L);
    lua_replace(L, 2);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lh_of(L)->modules_reference);
    lua_pushlightuserdata(L, lh_of(L));
    lua_setfield(L, 3, name);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 1);
    int code = lua_pcall(L, 1, 1, 0);
    if (code == LUA_OK && lua_isnil(L, -1)) {
        lua_pushboolean(L, 1);
        lua_replace(L, -2);
    }
    lua_pushvalue(L, 1);
    if (code == LUA_OK) lua_pushvalue(L, -2);
    else lua_pushnil(L);  // not in progress any more
    lua_rawset(L, 3);
    if (code == LUA_OK) return 1;
    pass_on_stop(L, code);
    return lua_error(L);
}

// ---- charged functions of Lua ----

int lh_counted(lua_State *L) {
    int64_t work = 1;
    for (int i = lua_gettop(L); i > 0; i--)
        if (lua_type(L, i) == LUA_TSTRING) work += (int64_t)(lua_rawlen(L, i) >> 3);
    lh_charge(L, work);
    // Called as it is: it finds the same arguments, and is named the same in errors.
    int results = lua_tocfunction(L, lua_upvalueindex(1))(L);
    lh_charge(L, results);
    return results;
}

void lh_replace(lua_State *L, const char *name, lua_CFunction function) {
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

void lh_count(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_pushcclosure(L, lh_counted, 1);
        lua_setfield(L, -2, *names);
    }
}

static void remove_fields(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
}

// ---- opening ----

static void open_base(lua_State *L) {
    static const char *const gone[] = {"dofile", "loadfile", "load", "collectgarbage", "print", "warn", NULL};
    static const char *const counted[] = {"tonumber", NULL};
    remove_fields(L, gone);
    lh_count(L, counted);
    lh_replace(L, "pcall", protected_call);
    lh_replace(L, "xpcall", protected_call_with_handler);
    lh_replace(L, "tostring", lh_tostring);
    lh_replace(L, "setmetatable", set_metatable);
    lh_replace(L, "rawset", raw_set);
    lh_replace(L, "pairs", lh_pairs);
    lh_replace(L, "next", lh_next);
    lh_replace(L, "require", lh_require);
}

static void open_math(lua_State *L) {
    static const char *const gone[] = {"randomseed", NULL};
    static const char *const random[] = {"random", NULL};
    const lh_limits *limits = &lh_of(L)->limits;
    if (limits->has_random) {
        lua_getfield(L, -1, "randomseed");
        lua_pushinteger(L, (lua_Integer)limits->random_seed);
        lua_pushinteger(L, 0);
        lua_call(L, 2, 0);
    } else {
        remove_fields(L, random);
    }
    remove_fields(L, gone);
}

int lh_open_sandbox(lua_State *L) {
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base}, {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
        {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}};
    static const char *const utf8[] = {"char", "codepoint", "len", "offset", NULL};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        if (i == 0) open_base(L);
        if (i == 1) lh_open_tables(L);
        if (i == 2) lh_open_strings(L);
        if (i == 3) open_math(L);
        if (i == 4) lh_count(L, utf8);
        lua_settop(L, 0);
    }
    lua_newtable(L);
    lh_of(L)->modules_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "stopped");
    lh_of(L)->stop_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    lh_protect_libraries(L);
    return 0;
}
