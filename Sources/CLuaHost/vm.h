// What the files of this target share. The functions declared with a `lua_State` may raise.
#ifndef LH_VM_H
#define LH_VM_H

#include "CLuaHost.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define LH_HOOK_STEP 1000        // instructions between two looks at the budget
#define LH_MESSAGE_BYTES 4096
#define LH_TRACEBACK_BYTES 4096

typedef struct {
    const unsigned char *bytes;
    size_t count;
    int64_t integers[LH_VIEW_INTEGERS];
    bool live;                   // bound by a call that has not returned
} lh_binding;

#define LH_SHORT_STRING 24       // bytes; of those as short Lua keeps one object, whatever it was built with
#define LH_VIEW_NAMES 8

// The contents of a view's userdata. All full userdata that a script can hold are of this type.
typedef struct {
    lh_binding binding;
    int32_t view, view_class;
    int32_t reference;           // in the registry
    // Fields that were read, so that the next read need not look for them: by the object of the name, which is short
    // and stays there as long as its class.
    struct { const void *name; lua_Integer code; } known[LH_VIEW_NAMES];
    int32_t next_known;          // the place that the next one takes
} lh_view;

// A callback that was prepared.
typedef struct {
    int32_t function, words;     // references
    int32_t second;              // the second argument: a reference, or a view where `is_second_view`
    bool is_second_view;
    // The object of the word that it answered last: short strings are one for all of the same letters, and that of a
    // list of words stays where it is.
    const void *word;
    int32_t place;
} lh_callback;

struct lh_vm {
    lua_State *L;
    lh_limits limits;
    lh_host_function host;
    void *context;
    const lh_flag *flag;

    size_t used, peak;           // bytes
    int64_t granted, left;       // instructions of this outermost call
    int64_t total_left;
    int64_t output_left;
    int32_t depth;               // calls within calls
    int hook_step;
    lh_status stop;              // not LH_OK: the script runs no further
    bool has_stop_traceback, is_rearmed;
    bool has_long_strings;       // or had
    bool is_string_refused;      // what the allocator refused last
    char refusal_place[96];
    int stop_reference, namespaces_reference, modules_reference;

    lh_value *outgoing;          // values towards Lua
    int32_t outgoing_count, outgoing_capacity;
    char *arena;                 // bytes of strings among them
    size_t arena_count, arena_capacity;
    bool has_outgoing_failed;

    lh_value *tree;              // the tree read last
    int32_t tree_count, tree_capacity;

    lh_view **views;
    int32_t view_count, view_capacity;
    struct { lh_view *view; lh_binding binding; } saved[LH_VIEWS_BOUND];
    int32_t saved_count, saved_base;
    bool has_binding_failed;

    lh_callback *callbacks;
    int32_t callback_count, callback_capacity;

    struct { uint64_t hash; size_t count; } host_errors[LH_HOST_ERRORS];
    int32_t host_error_next, host_error;
    bool has_host_errors;
    size_t message_count;
    char message[LH_MESSAGE_BYTES];
    char traceback[LH_TRACEBACK_BYTES];
};

static inline lh_vm *lh_of(lua_State *L) { return *(lh_vm **)lua_getextraspace(L); }

// vm.c
lh_status lh_protected(lh_vm *vm, lua_CFunction body, void *frame);
// As `lh_protected`, with the value at `index` as second argument.
lh_status lh_protected_with(lh_vm *vm, lua_CFunction body, void *frame, int32_t index);
// Around each call of a script: whether it may run, and that it did.
lh_status lh_enter(lh_vm *vm);
void lh_leave(lh_vm *vm);
// After a protected call that failed: takes note of the error on top of the stack.
lh_status lh_failed(lh_vm *vm, int code);
// The call, of what lies above the message handler at `base + 1`.
static inline lh_status lh_run(lh_vm *vm, int base, int arguments, int results) {
    int code = lua_pcall(vm->L, arguments, results, base + 1);
    return code == LUA_OK && vm->stop == LH_OK ? LH_OK : lh_failed(vm, code);
}
int lh_message_handler(lua_State *L);
int lh_call_host(lua_State *L, int32_t function, int32_t count);
int lh_trampoline(lua_State *L);                // upvalue 1: the function number

// limits.c
void *lh_allocate(void *context, void *block, size_t old_size, size_t new_size);
void lh_hook(lua_State *L, lua_Debug *record);
_Noreturn void lh_raise_stop(lua_State *L);
_Noreturn void lh_stop(lua_State *L, lh_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// As `lh_stop` but for raising: the script stops at its next instruction.
void lh_set_stop(lh_vm *vm, lh_status status, const char *text);
_Noreturn void lh_stop_for_memory(lua_State *L);
void lh_set_memory_stop(lh_vm *vm);
_Noreturn void lh_stop_for_instructions(lua_State *L);
// Work of C code, in units of about an instruction.
static inline void lh_charge(lua_State *L, int64_t work) {
    lh_vm *vm = lh_of(L);
    vm->left -= work;
    if (vm->left < 0 || vm->stop != LH_OK || lh_flag_is_set(vm->flag)) lh_stop_for_instructions(L);
}
void lh_write_place(lua_State *L, int level, char *text, size_t size);
void lh_write_traceback(lua_State *L, lh_vm *vm);

// values.c
// Room for one more of `size` bytes in a list; NULL when there is no memory.
void *lh_grown(void *list, int32_t count, int32_t *capacity, size_t size);
bool lh_is_flat(const lh_vm *vm);
void lh_push_flat(lua_State *L, lh_vm *vm);     // never raises; the stack must have room
int lh_push_outgoing(lua_State *L, lh_vm *vm, int32_t count);

// sandbox.c, strings.c, tables.c, order.c, names.c, views.c
int lh_open_sandbox(lua_State *L);
int lh_require(lua_State *L);
void lh_open_strings(lua_State *L);             // the string table on top
void lh_open_tables(lua_State *L);
int lh_pairs(lua_State *L);
int lh_next(lua_State *L);
int lh_tostring(lua_State *L);
void lh_push_display(lua_State *L, int index);  // pushes what `tostring` gives
void lh_protect_libraries(lua_State *L);
int lh_refuse_write(lua_State *L);
int lh_counted(lua_State *L);                   // upvalue 1: a C function of Lua; charges for long arguments
void lh_replace(lua_State *L, const char *name, lua_CFunction function);
void lh_count(lua_State *L, const char *const *names);
// The real table behind a path, made when missing. Pushes it.
void lh_push_namespace(lua_State *L, const char *path, size_t count);
// Raises "WHAT 'KEY'" for the key at `key`, with the nearest key of the table at `table` if there is one.
int lh_raise_unknown(lua_State *L, const char *what, int key, int table);

#endif
