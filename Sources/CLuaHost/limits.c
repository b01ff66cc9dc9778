// What stops a script: memory, instructions, an interrupt. And where it stood then.
#include "vm.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The head of a string object, which Lua adds to its bytes.
#define STRING_HEAD 32
// Bytes of a new block that cost as much as one instruction.
#define BYTES_AN_INSTRUCTION 64
// A string is long from here on: to compare it takes longer than other instructions do.
#define LONG_STRING 4096
// Of long strings at hand, what makes an instruction count for one more.
#define BYTES_COMPARED 16384
// Of arguments in `...`, from here on.
#define LONG_ARGUMENTS 64

static void *refuse(lh_vm *vm, bool is_string) {
    vm->is_string_refused = is_string;
    // Only reads: the stack of calls is in order wherever Lua allocates.
    if (vm->L) lh_write_place(vm->L, 0, vm->refusal_place, sizeof vm->refusal_place);
    return NULL;
}

// The corresponding C type is `lua_Alloc`. Where there is no block, `old_size` is the kind of the new object.
void *lh_allocate(void *context, void *block, size_t old_size, size_t new_size) {
    lh_vm *vm = context;
    size_t old = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        vm->used -= old;
        return NULL;
    }
    if (new_size > old) {
        if (!block && old_size == LUA_TSTRING && new_size > vm->limits.string_bytes + STRING_HEAD)
            return refuse(vm, true);
        if (!block && old_size == LUA_TSTRING && new_size > LONG_STRING) vm->has_long_strings = true;
        if (new_size - old > vm->limits.memory_bytes - vm->used) return refuse(vm, false);
        // A copy of a megabyte is one instruction to the hook. It is counted here, and seen there.
        vm->left -= (int64_t)((new_size - old) / BYTES_AN_INSTRUCTION);
    }
    void *moved = realloc(block, new_size);
    // Lua relies on a block that shrinks.
    if (!moved) return new_size > old ? refuse(vm, false) : block;
    vm->used += new_size - old;
    if (vm->used > vm->peak) vm->peak = vm->used;
    return moved;
}

// ---- stopping ----

void lh_set_stop(lh_vm *vm, lh_status status, const char *text) {
    if (vm->stop != LH_OK) return;
    vm->stop = status;
    vm->has_stop_traceback = false;
    char place[96];
    lh_write_place(vm->L, 0, place, sizeof place);
    snprintf(vm->message, sizeof vm->message, "%s%s", place, text);
    vm->message_count = strlen(vm->message);
    // From here on every instruction raises: what a `pcall` or a `__close` goes on with is stopped at once.
    lua_sethook(vm->L, lh_hook, LUA_MASKCOUNT, 1);
    vm->is_rearmed = true;
}

void lh_raise_stop(lua_State *L) {
    // The text is in the machine; to raise must not allocate.
    lua_checkstack(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lh_of(L)->stop_reference);
    lua_error(L);
    abort();  // lua_error does not return
}

void lh_stop(lua_State *L, lh_status status, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lh_set_stop(lh_of(L), status, text);
    lh_raise_stop(L);
}

void lh_set_memory_stop(lh_vm *vm) {
    if (vm->stop != LH_OK) return;
    char text[160];
    // The place is the one of the refusal: by now the calls may be gone.
    if (vm->is_string_refused)
        snprintf(text, sizeof text, "a string is longer than %zu bytes", vm->limits.string_bytes);
    else
        snprintf(text, sizeof text, "more than %zu bytes of memory", vm->limits.memory_bytes);
    lh_set_stop(vm, LH_MEMORY, text);
    snprintf(vm->message, sizeof vm->message, "%s%s", vm->refusal_place, text);
    vm->message_count = strlen(vm->message);
}

void lh_stop_for_memory(lua_State *L) {
    lh_set_memory_stop(lh_of(L));
    lh_raise_stop(L);
}

void lh_stop_for_instructions(lua_State *L) {
    lh_vm *vm = lh_of(L);
    if (vm->stop != LH_OK) lh_raise_stop(L);
    if (lh_flag_is_set(vm->flag)) lh_stop(L, LH_INTERRUPTED, "interrupted");
    if (vm->granted < vm->limits.call_instructions)
        lh_stop(L, LH_TOTAL, "more than %lld instructions in total",
                (long long)vm->limits.total_instructions);
    lh_stop(L, LH_INSTRUCTIONS, "more than %lld instructions in one call",
            (long long)vm->limits.call_instructions);
}

// How many arguments the function that runs has in `...`, from LONG_ARGUMENTS on; found by doubling.
static int64_t count_arguments(lua_State *L, const lua_Debug *record) {
    int count = LONG_ARGUMENTS / 2;
    while (count < INT_MAX / 2 && lua_getlocal(L, record, -2 * count)) {
        lua_pop(L, 1);
        count *= 2;
    }
    return count < LONG_ARGUMENTS ? 0 : count;
}

// Bytes of the long strings that the function that runs has at hand.
static int64_t count_long_strings(lua_State *L, const lua_Debug *record) {
    int64_t count = 0;
    for (int i = 1; lua_getlocal(L, record, i); i++) {
        size_t length = lua_type(L, -1) == LUA_TSTRING ? lua_rawlen(L, -1) : 0;
        if (length >= LONG_STRING) count += (int64_t)length;
        lua_pop(L, 1);
    }
    return count;
}

void lh_hook(lua_State *L, lua_Debug *record) {
    lh_vm *vm = lh_of(L);
    if (vm->stop != LH_OK) lh_raise_stop(L);
    vm->left -= vm->hook_step;
    // One instruction compares two strings, and one passes all arguments on. Whether those of the last step did is
    // not to be seen, but they could have.
    vm->left -= count_arguments(L, record) * vm->hook_step / BYTES_AN_INSTRUCTION;
    if (vm->has_long_strings) vm->left -= count_long_strings(L, record) * vm->hook_step / BYTES_COMPARED;
    if (vm->left < 0) lh_stop_for_instructions(L);
    if (lh_flag_is_set(vm->flag)) lh_stop(L, LH_INTERRUPTED, "interrupted");
    lua_Debug deep;
    if (lua_getstack(L, vm->limits.call_depth, &deep))
        lh_stop(L, LH_DEPTH, "calls are nested more than %d deep", vm->limits.call_depth);
}

// ---- places ----

// "file:line: " of the first Lua function from `level` on, or nothing. Chunks named "=…" are the host's.
void lh_write_place(lua_State *L, int level, char *text, size_t size) {
    text[0] = 0;
    lua_Debug record;
    for (int end = level + 4; level < end && lua_getstack(L, level, &record); level++) {
        if (!lua_getinfo(L, "Sl", &record) || record.currentline <= 0 || *record.source == '=') continue;
        snprintf(text, size, "%s:%d: ", record.short_src, record.currentline);
        return;
    }
}

void lh_place(lh_vm *vm, int32_t level, char *text, size_t size) { lh_write_place(vm->L, level, text, size); }

static size_t write_level(lua_State *L, lua_Debug *record, char *text, size_t size) {
    lua_getinfo(L, "Sln", record);
    char line[24] = "";
    if (record->currentline > 0) snprintf(line, sizeof line, ":%d", record->currentline);
    char name[96];
    if (*record->namewhat)
        snprintf(name, sizeof name, "%s '%.60s'", record->namewhat, record->name);
    else if (*record->what == 'm')
        snprintf(name, sizeof name, "main chunk");
    else if (*record->what != 'C')
        snprintf(name, sizeof name, "function <%s:%d>", record->short_src, record->linedefined);
    else
        snprintf(name, sizeof name, "?");
    int count = snprintf(text, size, "\n\t%s%s: in %s", record->short_src, line, name);
    return count < 0 ? 0 : (size_t)count < size ? (size_t)count : size - 1;
}

// How many calls there are. `lua_getstack` walks, so the number is bisected.
static int count_levels(lua_State *L) {
    lua_Debug record;
    int low = 1, high = 1;
    while (lua_getstack(L, high, &record)) { low = high; high *= 2; }
    while (low < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &record)) low = middle + 1;
        else high = middle;
    }
    return high;
}

// As `luaL_traceback`, but it allocates nothing, so that it works when memory is what has run out.
void lh_write_traceback(lua_State *L, lh_vm *vm) {
    enum { FIRST = 10, LAST = 11, LINE = 300 };
    size_t size = sizeof vm->traceback;
    size_t count = (size_t)snprintf(vm->traceback, size, "stack traceback:");
    int levels = count_levels(L);
    for (int level = 1; level < levels; level++) {
        if (size - count < LINE) return;
        if (level == FIRST + 1 && levels - level > LAST) {
            int skipped = levels - LAST - level;
            count += (size_t)snprintf(vm->traceback + count, size - count, "\n\t... (%d calls)", skipped);
            level += skipped - 1;
            continue;
        }
        lua_Debug record;
        if (!lua_getstack(L, level, &record)) return;
        count += write_level(L, &record, vm->traceback + count, size - count);
    }
}
