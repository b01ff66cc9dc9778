// Views: userdata over bytes of the host, made once for each class and place, and bound anew for each call.
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRED "item view used after its callback returned"

// What a field's name stands for in its class: an integer made of the kind, the width and the place.
static lua_Integer encoded(lh_field field, int32_t at, int32_t width) {
    return (lua_Integer)field | (lua_Integer)width << 4 | (lua_Integer)at << 32;
}

static void check_range(lua_State *L, const lh_view *view, uint64_t at, uint64_t width) {
    if (width <= view->binding.count && at <= view->binding.count - width) return;
    luaL_error(L, "bytes %I to %I lie outside the item of %I bytes", (LUAI_UACINT)at,
               (LUAI_UACINT)(at + width), (LUAI_UACINT)view->binding.count);
}

static lua_Integer load(const unsigned char *bytes, uint32_t width, bool is_signed) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++) value |= (uint64_t)bytes[i] << (8 * i);
    if (!is_signed || width == 0 || width >= 8) return (lua_Integer)value;
    uint64_t sign = (uint64_t)1 << (8 * width - 1);
    return (lua_Integer)((value ^ sign) - sign);
}

static lua_Integer load_unsigned(const unsigned char *bytes, uint32_t width) {
    switch (width) {  // the usual ones become single loads
    case 1: return bytes[0];
    case 2: return load(bytes, 2, false);
    case 4: return load(bytes, 4, false);
    case 8: return load(bytes, 8, false);
    default: return load(bytes, width, false);
    }
}

static int push_field(lua_State *L, const lh_view *view, lua_Integer code) {
    uint32_t width = (uint32_t)(code >> 4) & 0x0fffffff, at = (uint32_t)(code >> 32);
    switch ((lh_field)(code & 15)) {
    case LH_FIELD_UNSIGNED:
        check_range(L, view, at, width);
        lua_pushinteger(L, load_unsigned(view->binding.bytes + at, width));
        return 1;
    case LH_FIELD_SIGNED:
        check_range(L, view, at, width);
        lua_pushinteger(L, load(view->binding.bytes + at, width, true));
        return 1;
    case LH_FIELD_HEADER: lua_pushinteger(L, view->binding.integers[at % LH_VIEW_INTEGERS]); return 1;
    case LH_FIELD_COUNT: lua_pushinteger(L, (lua_Integer)view->binding.count); return 1;
    case LH_FIELD_BYTES:
        check_range(L, view, at, width);
        lua_pushlstring(L, (const char *)view->binding.bytes + at, width);
        return 1;
    case LH_FIELD_TAIL:
        check_range(L, view, at, 0);
        lua_pushlstring(L, (const char *)view->binding.bytes + at, view->binding.count - at);
        return 1;
    default: return 0;
    }
}

// `__index`. Only Lua itself calls it, since scripts cannot reach the metatable: the view is of the class.
// Upvalues: the fields, the getter.
static int view_index(lua_State *L) {
    lh_view *view = lua_touserdata(L, 1);
    const void *name = lua_topointer(L, 2);  // NULL for numbers and the like
    if (name && view->binding.live) {
        for (int i = 0; i < LH_VIEW_NAMES; i++)
            if (view->known[i].name == name) return push_field(L, view, view->known[i].code);
    }
    if (lua_type(L, 2) != LUA_TSTRING) name = NULL;
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(1));
    if (type == LUA_TFUNCTION) return 1;
    if (!view->binding.live) return luaL_error(L, EXPIRED);
    if (type == LUA_TNUMBER) {
        lua_Integer code = lua_tointeger(L, 3);
        if ((code & 15) != LH_FIELD_COMPUTED) {
            if (name && lua_rawlen(L, 2) <= LH_SHORT_STRING) {
                view->known[view->next_known].name = name;
                view->known[view->next_known].code = code;
                view->next_known = (view->next_known + 1) % LH_VIEW_NAMES;
            }
            return push_field(L, view, code);
        }
    }
    int32_t getter = (int32_t)lua_tointeger(L, lua_upvalueindex(2));
    if (getter != LH_VIEW_NO_GETTER && name) {
        if (type == LUA_TNUMBER) {
            lua_pushinteger(L, (lua_Integer)((uint64_t)lua_tointeger(L, 3) >> 32));
            lua_replace(L, 3);
            return lh_call_host(L, getter, 3);
        }
        lua_settop(L, 2);
        return lh_call_host(L, getter, 2);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    return lh_raise_unknown(L, "an item has no field", 2, lua_gettop(L));
}

// Of any class where `view_class` is 0.
static lh_view *check_view(lua_State *L, int32_t view_class) {
    // There is no other userdata that a script could pass.
    lh_view *view = lua_type(L, 1) == LUA_TUSERDATA ? lua_touserdata(L, 1) : NULL;
    if (!view || (view_class && view->view_class != view_class))
        luaL_typeerror(L, 1, view_class ? lua_tostring(L, lua_upvalueindex(2)) : "item");
    if (!view->binding.live) luaL_error(L, EXPIRED);
    return view;
}

// Upvalues: the function number and the class in one integer; the name of the class.
static int view_method(lua_State *L) {
    lua_Integer method = lua_tointeger(L, lua_upvalueindex(1));
    check_view(L, (int32_t)(method >> 32));
    return lh_call_host(L, (int32_t)method, lua_gettop(L));
}

// Upvalues: the width, negative for signed.
static int view_read(lua_State *L) {
    const lh_view *view = check_view(L, 0);
    lua_Integer width = lua_tointeger(L, lua_upvalueindex(1)), at = luaL_checkinteger(L, 2);
    bool is_signed = width < 0;
    uint32_t count = (uint32_t)(is_signed ? -width : width);
    luaL_argcheck(L, at >= 0, 2, "an offset is not negative");
    check_range(L, view, (uint64_t)at, count);
    lua_pushinteger(L, load(view->binding.bytes + at, count, is_signed));
    return 1;
}

static int view_bytes(lua_State *L) {
    const lh_view *view = check_view(L, 0);
    lua_Integer at = luaL_optinteger(L, 2, 0);
    luaL_argcheck(L, at >= 0, 2, "an offset is not negative");
    check_range(L, view, (uint64_t)at, 0);
    lua_Integer count = luaL_optinteger(L, 3, (lua_Integer)view->binding.count - at);
    luaL_argcheck(L, count >= 0, 3, "a count is not negative");
    check_range(L, view, (uint64_t)at, (uint64_t)count);
    lua_pushlstring(L, count ? (const char *)view->binding.bytes + at : "", (size_t)count);
    return 1;
}

// ---- classes ----

typedef struct {
    const char *name;
    int32_t view_class, getter, function, view;
    lua_Integer code;
} class_frame;

// In the registry a class is a list: its fields, its metatable, its name.
static int class_body(lua_State *L) {
    class_frame *frame = lua_touserdata(L, 1);
    lua_createtable(L, 3, 0);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, 1);
    lua_createtable(L, 0, 4);
    lua_insert(L, -2);
    lua_pushinteger(L, frame->getter);
    lua_pushcclosure(L, view_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, frame->name);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -4, 3);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_pushcclosure(L, lh_refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawseti(L, -2, 2);
    frame->view_class = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

lh_status lh_class_open(lh_vm *vm, const char *name, int32_t getter, int32_t *view_class) {
    class_frame frame = {.name = name, .getter = getter, .view_class = LUA_NOREF};
    lh_status status = lh_protected(vm, class_body, &frame);
    *view_class = frame.view_class;
    return status;
}

// Pushes the fields of a class.
static void push_fields(lua_State *L, int32_t view_class) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, view_class);
    lua_rawgeti(L, -1, 1);
}

static int field_body(lua_State *L) {
    const class_frame *frame = lua_touserdata(L, 1);
    push_fields(L, frame->view_class);
    lua_pushinteger(L, frame->code);
    lua_setfield(L, -2, frame->name);
    return 0;
}

lh_status lh_class_field(
    lh_vm *vm, int32_t view_class, const char *name, lh_field field, int32_t at, int32_t width) {
    class_frame frame = {.name = name, .view_class = view_class, .code = encoded(field, at, width)};
    return lh_protected(vm, field_body, &frame);
}

static int method_body(lua_State *L) {
    const class_frame *frame = lua_touserdata(L, 1);
    push_fields(L, frame->view_class);
    lua_pushinteger(L, (lua_Integer)frame->function | (lua_Integer)frame->view_class << 32);
    lua_rawgeti(L, 2, 3);
    lua_pushcclosure(L, view_method, 2);
    lua_setfield(L, -2, frame->name);
    return 0;
}

lh_status lh_class_method(lh_vm *vm, int32_t view_class, const char *name, int32_t function) {
    class_frame frame = {.name = name, .view_class = view_class, .function = function};
    return lh_protected(vm, method_body, &frame);
}

static int readers_body(lua_State *L) {
    const class_frame *frame = lua_touserdata(L, 1);
    push_fields(L, frame->view_class);
    for (int width = 1; width <= 8; width *= 2) {
        for (int sign = -1; sign <= 1; sign += 2) {
            lua_pushfstring(L, "%c%d", sign < 0 ? 'i' : 'u', width * 8);
            lua_pushinteger(L, sign * width);
            lua_pushcclosure(L, view_read, 1);
            lua_rawset(L, -3);
        }
    }
    lua_pushcfunction(L, view_bytes);
    lua_setfield(L, -2, "bytes");
    return 0;
}

lh_status lh_class_readers(lh_vm *vm, int32_t view_class) {
    class_frame frame = {.view_class = view_class};
    return lh_protected(vm, readers_body, &frame);
}

// ---- views ----

static int view_body(lua_State *L) {
    class_frame *frame = lua_touserdata(L, 1);
    lh_vm *vm = lh_of(L);
    if (vm->view_count == vm->view_capacity) {
        int32_t capacity = vm->view_capacity * 2 + 8;
        lh_view **moved = realloc(vm->views, (size_t)capacity * sizeof *moved);
        if (!moved) lh_stop_for_memory(L);
        vm->views = moved;
        vm->view_capacity = capacity;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, frame->view_class);
    lh_view *view = lua_newuserdatauv(L, sizeof *view, 0);
    memset(view, 0, sizeof *view);
    view->view_class = frame->view_class;
    view->view = vm->view_count;
    lua_rawgeti(L, -2, 2);
    lua_setmetatable(L, -2);
    view->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    vm->views[vm->view_count] = view;
    frame->view = vm->view_count++;
    return 0;
}

lh_status lh_view_open(lh_vm *vm, int32_t view_class, int32_t *view) {
    class_frame frame = {.view_class = view_class, .view = -1};
    lh_status status = lh_protected(vm, view_body, &frame);
    *view = frame.view;
    return status;
}

void lh_push_bound(lh_vm *vm, int32_t view, const void *bytes, size_t count, const int64_t *integers) {
    lh_push_view(vm, view);
    if (vm->saved_count == LH_VIEWS_BOUND) { vm->has_binding_failed = true; return; }
    lh_view *bound = vm->views[view];
    vm->saved[vm->saved_count].view = bound;
    vm->saved[vm->saved_count].binding = bound->binding;
    vm->saved_count++;
    bound->binding.bytes = bytes ? bytes : (const void *)"";
    bound->binding.count = count;
    memcpy(bound->binding.integers, integers, sizeof bound->binding.integers);
    bound->binding.live = true;
}

lh_bound lh_bound_at(lh_vm *vm, int32_t index) {
    if (lua_type(vm->L, index) != LUA_TUSERDATA) return (lh_bound){.is_view = false};
    const lh_binding *binding = &((const lh_view *)lua_touserdata(vm->L, index))->binding;
    return (lh_bound){true, binding->live, binding->bytes, binding->count, binding->integers};
}

bool lh_view_bytes(lh_vm *vm, int32_t view, const void **bytes, size_t *count) {
    const lh_view *bound = vm->views[view];
    *bytes = bound->binding.bytes;
    *count = bound->binding.count;
    return bound->binding.live;
}

int64_t lh_view_integer(lh_vm *vm, int32_t view, int32_t place) {
    return vm->views[view]->binding.integers[place % LH_VIEW_INTEGERS];
}
