// The machine: opening, protected frames, calls in both directions.
#include "vm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lh_flag { atomic_bool value; };

lh_flag *lh_flag_open(void) { return calloc(1, sizeof(lh_flag)); }
void lh_flag_set(lh_flag *flag, bool value) { atomic_store(&flag->value, value); }
void lh_flag_close(lh_flag *flag) { free(flag); }
bool lh_flag_is_set(const lh_flag *flag) { return atomic_load_explicit(&flag->value, memory_order_relaxed); }

// ---- opening ----

lh_vm *lh_open(const lh_limits *limits, const lh_flag *flag) {
    lh_vm *vm = calloc(1, sizeof *vm);
    if (!vm) return NULL;
    vm->limits = *limits;
    vm->flag = flag;
    vm->total_left = limits->total_instructions;
    vm->output_left = limits->output_bytes;
    vm->hook_step = limits->call_instructions < LH_HOOK_STEP ? (int)limits->call_instructions : LH_HOOK_STEP;
    vm->host_error = -1;
    lua_State *L = lua_newstate(lh_allocate, vm);
    if (!L) { lh_close(vm); return NULL; }
    *(lh_vm **)lua_getextraspace(L) = vm;
    vm->L = L;
    // No hook yet and none of the script's code: opening is limited by memory alone.
    lua_pushcfunction(L, lh_open_sandbox);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) { lh_close(vm); return NULL; }
    lua_sethook(L, lh_hook, LUA_MASKCOUNT, vm->hook_step);
    return vm;
}

void lh_attach(lh_vm *vm, lh_host_function host, void *context) {
    vm->host = host;
    vm->context = context;
}

void lh_close(lh_vm *vm) {
    if (!vm) return;
    lua_State *L = vm->L;
    vm->L = NULL;  // the allocator looks at no stack that is being torn down
    if (L) lua_close(L);
    free(vm->outgoing);
    free(vm->arena);
    free(vm->tree);
    free(vm->views);
    free(vm->callbacks);
    free(vm);
}

size_t lh_memory(const lh_vm *vm) { return vm->used; }
size_t lh_memory_peak(const lh_vm *vm) { return vm->peak; }
int64_t lh_instructions_left(const lh_vm *vm) {
    return vm->total_left - (vm->depth > 0 ? vm->granted - vm->left : 0);
}

lh_status lh_count_output(lh_vm *vm, size_t count) {
    if (vm->stop != LH_OK) return vm->stop;
    if ((uint64_t)vm->output_left >= count) {
        vm->output_left -= (int64_t)count;
        return LH_OK;
    }
    vm->output_left = 0;
    char text[96];
    snprintf(text, sizeof text, "more than %lld bytes of output", (long long)vm->limits.output_bytes);
    lh_set_stop(vm, LH_OUTPUT, text);
    return LH_OUTPUT;
}

// ---- errors ----

const char *lh_message(const lh_vm *vm, size_t *count) {
    *count = vm->message_count;
    return vm->message;
}
const char *lh_traceback(const lh_vm *vm) { return vm->traceback; }
int32_t lh_host_error(const lh_vm *vm) { return vm->host_error; }

static void set_message(lh_vm *vm, const char *text, size_t count) {
    static const char cut[] = " ... (cut)";
    vm->message_count = count;
    if (count >= sizeof vm->message) {
        vm->message_count = sizeof vm->message - 1;
        memcpy(vm->message, text, vm->message_count - (sizeof cut - 1));
        memcpy(vm->message + vm->message_count - (sizeof cut - 1), cut, sizeof cut - 1);
    } else {
        memcpy(vm->message, text, count);
    }
    vm->message[vm->message_count] = 0;
}

int32_t lh_fail(lh_vm *vm, const void *message, size_t count) {
    if (vm->stop == LH_OK) set_message(vm, message, count);
    int32_t place = vm->host_error_next;
    vm->host_error_next = (place + 1) % LH_HOST_ERRORS;
    return place;
}

static uint64_t hash_of(const char *text, size_t count) {
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < count; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211U;
    return hash;
}

// Runs where the error is raised, before anything is unwound. It allocates nothing and runs no Lua code, so
// no error can arise from the handling of one.
int lh_message_handler(lua_State *L) {
    lh_vm *vm = lh_of(L);
    if (vm->stop != LH_OK && vm->has_stop_traceback) return 1;
    lh_write_traceback(L, vm);
    vm->has_stop_traceback = vm->stop != LH_OK;
    return 1;
}

static int display_body(lua_State *L) {
    bool is_said = lua_isnumber(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL;
    if (!is_said) lua_pushliteral(L, "an error that is no text: ");
    lh_push_display(L, 1);
    if (!is_said) lua_concat(L, 2);
    return 1;
}

// Sets the message from the error value on top of the stack, and which host error it is.
static lh_status describe_error(lh_vm *vm, lua_State *L) {
    bool is_text = lua_type(L, -1) == LUA_TSTRING;
    if (!is_text && lua_checkstack(L, 4)) {
        lua_pushcfunction(L, display_body);
        lua_pushvalue(L, -2);
        // Its `__tostring` is the script's, and may fail in its turn.
        lua_pcall(L, 1, 1, 0);
        if (vm->stop != LH_OK) return vm->stop;
    }
    size_t count = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &count) : NULL;
    if (text) set_message(vm, text, count);
    else set_message(vm, "an error that is no text", 24);
    if (!is_text) return LH_RUNTIME;
    uint64_t hash = hash_of(text, count);
    for (int32_t i = 0; i < LH_HOST_ERRORS; i++) {
        if (vm->host_errors[i].hash != hash || vm->host_errors[i].count != count) continue;
        vm->host_error = i;
        return LH_HOST;
    }
    return LH_RUNTIME;
}

lh_status lh_failed(lh_vm *vm, int code) {
    vm->host_error = -1;
    if (code == LUA_ERRMEM) lh_set_memory_stop(vm);
    if (vm->stop != LH_OK) {
        if (!vm->has_stop_traceback) vm->traceback[0] = 0;
        vm->has_stop_traceback = true;
        return vm->stop;
    }
    return describe_error(vm, vm->L);
}

// ---- protected frames ----

static lh_status refuse_call(lh_vm *vm, lh_status status, const char *text) {
    vm->host_error = -1;
    vm->traceback[0] = 0;
    set_message(vm, text, strlen(text));
    return status;
}

lh_status lh_enter(lh_vm *vm) {
    if (vm->depth > 0 && vm->stop != LH_OK) return vm->stop;
    if (vm->depth >= vm->limits.host_depth)
        return refuse_call(vm, LH_DEPTH, "Lua and its host call each other too deeply");
    if (vm->depth == 0) {
        vm->stop = LH_OK;
        if (vm->is_rearmed) {
            lua_sethook(vm->L, lh_hook, LUA_MASKCOUNT, vm->hook_step);
            vm->is_rearmed = false;
        }
        if (lh_flag_is_set(vm->flag)) return refuse_call(vm, LH_INTERRUPTED, "interrupted");
        if (vm->total_left <= 0) return refuse_call(vm, LH_TOTAL, "all instructions in total are used up");
        int64_t each = vm->limits.call_instructions;
        vm->granted = vm->left = vm->total_left < each ? vm->total_left : each;
    }
    vm->depth++;
    return LH_OK;
}

void lh_leave(lh_vm *vm) {
    if (--vm->depth > 0) return;
    vm->total_left -= vm->granted - vm->left;
    if (!vm->has_host_errors) return;
    memset(vm->host_errors, 0, sizeof vm->host_errors);
    vm->has_host_errors = false;
}

lh_status lh_protected_with(lh_vm *vm, lua_CFunction body, void *frame, int32_t index) {
    lh_status status = lh_enter(vm);
    if (status != LH_OK) return status;
    lua_State *L = vm->L;
    int base = lua_gettop(L);
    if (lua_checkstack(L, 8)) {
        lua_pushcfunction(L, lh_message_handler);  // neither a C function nor a pointer allocates
        lua_pushcfunction(L, body);
        lua_pushlightuserdata(L, frame);
        if (index != 0) lua_pushvalue(L, index);
        status = lh_run(vm, base, index != 0 ? 2 : 1, 0);
    } else {
        lh_set_memory_stop(vm);
        status = vm->stop;
    }
    lua_settop(L, base);
    lh_leave(vm);
    return status;
}

lh_status lh_protected(lh_vm *vm, lua_CFunction body, void *frame) {
    return lh_protected_with(vm, body, frame, 0);
}

// ---- host to Lua ----

typedef struct { const char *name; const char *source; size_t count; int reference; } load_frame;

static int load_body(lua_State *L) {
    load_frame *frame = lua_touserdata(L, 1);
    // Text only: bytecode can be made to break the machine.
    frame->reference = luaL_loadbufferx(L, frame->source, frame->count, frame->name, "t");
    if (frame->reference != LUA_OK) return lua_error(L);
    frame->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

lh_status lh_load(lh_vm *vm, const char *name, const void *source, size_t count, int32_t *reference) {
    load_frame frame = {name, count ? source : "", count, LUA_NOREF};
    *reference = LUA_NOREF;
    if (count > vm->limits.source_bytes) {
        char text[160];
        snprintf(text, sizeof text, "%.60s: the text is longer than %zu bytes", name + (*name == '@'),
                 vm->limits.source_bytes);
        return refuse_call(vm, LH_SYNTAX, text);
    }
    lh_status status = lh_protected(vm, load_body, &frame);
    if (status == LH_OK) *reference = frame.reference;
    // `lua_error` makes a run-time error of any, and so does the compiler of nesting too deep.
    if (status == LH_RUNTIME) status = LH_SYNTAX;
    return status;
}

static int arguments_body(lua_State *L) {
    lh_vm *vm = lh_of(L);
    return lh_push_outgoing(L, vm, (int32_t)lua_tointeger(L, 1));
}

// How many values were pushed, not counting those within tables.
static int32_t top_level_count(const lh_vm *vm) {
    int32_t count = 0;
    size_t skip = 0;
    for (int32_t i = 0; i < vm->outgoing_count; i++) {
        if (skip > 0) skip--;
        else count++;
        if (vm->outgoing[i].kind == LH_TABLE && vm->outgoing[i].reference == 0)
            skip += 2 * vm->outgoing[i].count;
    }
    return count;
}

static lh_status push_arguments(lh_vm *vm, lua_State *L, int32_t *count) {
    if (lh_is_flat(vm)) {
        *count = vm->outgoing_count;
        if (!lua_checkstack(L, *count)) {
            lh_set_memory_stop(vm);
            return vm->stop;
        }
        lh_push_flat(L, vm);
        return LH_OK;
    }
    *count = top_level_count(vm);
    lua_pushcfunction(L, arguments_body);
    lua_pushinteger(L, *count);
    int code = lua_pcall(L, 1, LUA_MULTRET, 0);
    return code == LUA_OK ? LH_OK : lh_failed(vm, code);
}

static void unbind_views(lh_vm *vm, int32_t base) {
    while (vm->saved_count > base) {
        vm->saved_count--;
        vm->saved[vm->saved_count].view->binding = vm->saved[vm->saved_count].binding;
    }
}

lh_outcome lh_call(lh_vm *vm, int32_t function) {
    lua_State *L = vm->L;
    int base = lua_gettop(L);
    // Views bound since the call before are this call's.
    int32_t outer_views = vm->saved_base, views = vm->saved_base;
    vm->saved_base = vm->saved_count;
    lh_outcome outcome = {lh_enter(vm), base + 2, 0};
    bool has_entered = outcome.status == LH_OK;
    if (has_entered && vm->has_binding_failed)
        outcome.status = refuse_call(vm, LH_DEPTH, "too many views are in use by calls within calls");
    if (outcome.status == LH_OK && !lua_checkstack(L, 8)) {
        lh_set_memory_stop(vm);
        outcome.status = vm->stop;
    }
    if (outcome.status == LH_OK) {
        lua_pushcfunction(L, lh_message_handler);
        lua_rawgeti(L, LUA_REGISTRYINDEX, function);
        int32_t arguments = 0;
        outcome.status = push_arguments(vm, L, &arguments);
        vm->outgoing_count = 0;
        if (outcome.status == LH_OK) outcome.status = lh_run(vm, base, arguments, LUA_MULTRET);
    }
    if (has_entered) lh_leave(vm);
    unbind_views(vm, views);
    vm->has_binding_failed = false;
    vm->saved_base = outer_views;
    if (outcome.status == LH_OK) outcome.count = lua_gettop(L) - base - 1;
    else lua_settop(L, base);
    return outcome;
}

void lh_finish(lh_vm *vm, lh_outcome outcome) { lua_settop(vm->L, outcome.first - 2); }

// ---- Lua to host ----

static int raise_host_error(lua_State *L, lh_vm *vm) {
    int32_t place = (vm->host_error_next + LH_HOST_ERRORS - 1) % LH_HOST_ERRORS;
    char where[96];  // also where it was called through `pcall`
    lh_write_place(L, 1, where, sizeof where);
    lua_pushstring(L, where);
    lua_pushlstring(L, vm->message, vm->message_count);
    lua_concat(L, 2);
    size_t count = 0;
    const char *text = lua_tolstring(L, -1, &count);
    vm->host_errors[place].hash = hash_of(text, count);
    vm->host_errors[place].count = count;
    vm->has_host_errors = true;
    return lua_error(L);
}

// The one door to the host, whose frames are gone before anything below it can raise.
int lh_call_host(lua_State *L, int32_t function, int32_t count) {
    lh_vm *vm = lh_of(L);
    if (vm->stop != LH_OK) lh_raise_stop(L);
    lh_begin(vm);
    int32_t results = vm->host(vm->context, function, count);
    if (vm->stop != LH_OK) lh_raise_stop(L);
    if (results == LH_ONE_NIL) {
        lua_pushnil(L);
        return 1;
    }
    if (results < 0) return raise_host_error(L, vm);
    return lh_push_outgoing(L, vm, results);
}

int lh_trampoline(lua_State *L) {
    return lh_call_host(L, (int32_t)lua_tointeger(L, lua_upvalueindex(1)), lua_gettop(L));
}
