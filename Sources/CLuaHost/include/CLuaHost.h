// A Lua 5.4 virtual machine behind a C interface from which no Lua error can escape.
//
// `lua.h` is included by this target alone, this header has no Lua type, and no function declared here
// raises: each runs under `lua_pcall` or calls only Lua functions that cannot raise. A script that runs
// into a limit is stopped for good: no `pcall` of the script catches that, and every call up to the
// outermost `lh_call` fails with the same status. The next outermost call starts afresh.
//
// A machine belongs to one thread at a time; only those of a flag may be called from another.
#ifndef CLUAHOST_H
#define CLUAHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lh_vm lh_vm;

typedef enum {
    LH_OK,
    LH_SYNTAX,        // the text is no Lua
    LH_RUNTIME,       // an error of the script
    LH_HOST,          // an error of a host function that the script let through
    LH_MEMORY,        // this and what follows stop a script for good
    LH_INSTRUCTIONS,  // of one outermost call
    LH_TOTAL,         // instructions of all calls; the machine stays dead
    LH_OUTPUT,        // bytes written
    LH_PATTERN,       // work of one pattern function
    LH_DEPTH,         // calls within calls
    LH_INTERRUPTED    // by `lh_flag_set`
} lh_status;

typedef struct {
    size_t memory_bytes;
    size_t string_bytes;         // of one string
    size_t source_bytes;         // of one chunk
    size_t subject_bytes;        // of a string that a pattern is matched against
    int64_t pattern_steps;       // of one pattern function call
    int64_t call_instructions;   // of one outermost call
    int64_t total_instructions;
    int64_t output_bytes;
    int32_t call_depth;          // Lua functions within Lua functions
    int32_t host_depth;          // calls into the machine within host functions
    int32_t tree_depth;          // of tables read whole
    int32_t tree_entries;
    bool has_random;             // whether there is `math.random`
    uint64_t random_seed;
} lh_limits;

typedef enum {
    LH_NIL, LH_BOOLEAN, LH_INTEGER, LH_NUMBER, LH_STRING, LH_FUNCTION, LH_TABLE, LH_VIEW, LH_OTHER
} lh_kind;

// A value. The bytes of a string from Lua stay valid until `lh_finish` or the end of the host function.
typedef struct {
    lh_kind kind;
    int32_t reference;   // of a function or a table, where one was asked for
    int64_t integer;     // also 0 and 1 of a boolean, and the number of a view
    double number;
    const void *bytes;   // of a string
    size_t count;        // bytes of a string, pairs of a table in a tree
} lh_value;

// ---- the machine ----

// A flag that stops whatever the machine runs, within about a millisecond of Lua code.
typedef struct lh_flag lh_flag;
lh_flag *lh_flag_open(void);
void lh_flag_set(lh_flag *flag, bool value);
bool lh_flag_is_set(const lh_flag *flag);
void lh_flag_close(lh_flag *flag);

// A host function finds `count` arguments at the stack indices 1 to `count`. It always returns: the number of
// results it pushed, LH_ONE_NIL for one that it did not push, or -1 after `lh_fail`. Only then may Lua raise.
#define LH_ONE_NIL (-2)
typedef int32_t (*lh_host_function)(void *context, int32_t function, int32_t count);
// The function number under which the host is asked for the source of a module. The one argument is its name.
// The results are the source and the chunk's name, or nothing when there is no such module.
#define LH_REQUIRE (-1)

lh_vm *lh_open(const lh_limits *limits, const lh_flag *flag);
// To be called before anything else.
void lh_attach(lh_vm *vm, lh_host_function host, void *context);
void lh_close(lh_vm *vm);
size_t lh_memory(const lh_vm *vm);
size_t lh_memory_peak(const lh_vm *vm);
// What all calls so far left of `total_instructions`.
int64_t lh_instructions_left(const lh_vm *vm);
// Counts bytes that the script had written. After LH_OUTPUT the script is stopped.
lh_status lh_count_output(lh_vm *vm, size_t count);

// ---- errors, of the last function here that failed ----

const char *lh_message(const lh_vm *vm, size_t *count);
const char *lh_traceback(const lh_vm *vm);
// Which failure of a host function it was: the number that `lh_fail` returned; -1: none.
int32_t lh_host_error(const lh_vm *vm);
// Host errors are remembered in this many places, the oldest is forgotten first.
#define LH_HOST_ERRORS 8
// For a host function about to return -1. The message gets the script's file and line.
int32_t lh_fail(lh_vm *vm, const void *message, size_t count);
// For a host function: "file:line: " of the script that called it, or of its `level`-th caller; "" if unknown.
void lh_place(lh_vm *vm, int32_t level, char *text, size_t size);

// ---- values towards Lua: arguments before `lh_call` and results of a host function ----

void lh_begin(lh_vm *vm);
void lh_push_nil(lh_vm *vm);
void lh_push_boolean(lh_vm *vm, bool value);
void lh_push_integer(lh_vm *vm, int64_t value);
void lh_push_number(lh_vm *vm, double value);
void lh_push_copy(lh_vm *vm, const void *bytes, size_t count);
// The bytes must stay where they are until the call returned.
void lh_push_bytes(lh_vm *vm, const void *bytes, size_t count);
void lh_push_reference(lh_vm *vm, int32_t reference);
void lh_push_view(lh_vm *vm, int32_t view);
// The pairs follow: a key, a value, a key, ...
void lh_push_table(lh_vm *vm, int32_t pairs);

// ---- running ----

// Compiles text, so that `reference` is a function. `name` is "@" and the file's name.
lh_status lh_load(lh_vm *vm, const char *name, const void *source, size_t count, int32_t *reference);
// Calls with the values pushed since `lh_begin`. When it succeeds, the results lie at the stack indices from
// `first` on, until `lh_finish(vm, outcome)`, which has to follow.
typedef struct {
    lh_status status;
    int32_t first;
    int32_t count;
} lh_outcome;
lh_outcome lh_call(lh_vm *vm, int32_t function);
void lh_finish(lh_vm *vm, lh_outcome outcome);

// ---- callbacks: what is called for each of many items, put together once ----

// A function, its second argument (a reference, or a view) and the words that it may answer with. All of them have
// to stay as long as the machine.
lh_status lh_callback_open(
    lh_vm *vm, int32_t function, int32_t second, bool is_second_view, int32_t words, int32_t *callback);
#define LH_ANSWER_OTHER (-1)     // the results lie at the outcome's indices until `lh_finish`, which has to follow
#define LH_ANSWER_NOTHING (-2)
typedef struct {
    lh_outcome outcome;
    int32_t word;                // a place in the list of words, or one of these; nothing is left then to finish
} lh_answer;
// Calls it with a view, pointed at bytes until this returns, and the second argument. Needs no memory of its own.
lh_answer lh_ask(
    lh_vm *vm, int32_t callback, int32_t view, const void *bytes, size_t count, const int64_t *integers);

// ---- values from Lua, at a stack index ----

// Makes no reference: functions and tables have only their kind.
lh_value lh_value_at(lh_vm *vm, int32_t index);
lh_status lh_reference_at(lh_vm *vm, int32_t index, int32_t *reference);
void lh_release(lh_vm *vm, int32_t reference);
// A value with all that is in it: a table is followed by its pairs. Valid until the next call of anything
// here but `lh_release`; the caller owns the references in it.
lh_status lh_tree_at(lh_vm *vm, int32_t index, const lh_value **values, int32_t *count);
// As `tostring` has it, for people.
lh_status lh_display_at(lh_vm *vm, int32_t index, const void **bytes, size_t *count);
// The place of a string in a list of words; -1: it is none of them.
lh_status lh_words_open(lh_vm *vm, int32_t *words);
lh_status lh_words_add(lh_vm *vm, int32_t words, const char *word, int32_t place);
int32_t lh_word_at(lh_vm *vm, int32_t index, int32_t words);

// ---- what scripts find ----

// `path` is a global name or one with dots. Tables on the way are made, and scripts cannot write to them.
lh_status lh_define_function(lh_vm *vm, const char *path, int32_t function);
// Defines the one value pushed since `lh_begin`.
lh_status lh_define_value(lh_vm *vm, const char *path);

// ---- views: userdata over bytes of the host, made once and reused ----

typedef enum {
    LH_FIELD_UNSIGNED,  // a little-endian integer of `width` bytes at `at`
    LH_FIELD_SIGNED,
    LH_FIELD_HEADER,    // the `at`-th of the integers bound with the bytes
    LH_FIELD_COUNT,     // of the bytes
    LH_FIELD_BYTES,     // `width` bytes at `at`
    LH_FIELD_TAIL,      // all bytes from `at` on
    LH_FIELD_COMPUTED   // the getter is called with (view, name, at)
} lh_field;
#define LH_VIEW_INTEGERS 4
#define LH_VIEW_NO_GETTER (-1000)

// `getter` is a host function, called with (view, name) for a name that is no field; or LH_VIEW_NO_GETTER.
lh_status lh_class_open(lh_vm *vm, const char *name, int32_t getter, int32_t *view_class);
lh_status lh_class_field(
    lh_vm *vm, int32_t view_class, const char *name, lh_field field, int32_t at, int32_t width);
lh_status lh_class_method(lh_vm *vm, int32_t view_class, const char *name, int32_t function);
// Adds the methods u8 to u64, i8 to i64 (with an offset) and bytes (with an offset and a count).
lh_status lh_class_readers(lh_vm *vm, int32_t view_class);
lh_status lh_view_open(lh_vm *vm, int32_t view_class, int32_t *view);
// Pushes a view, pointed at bytes until the next `lh_call` returned. Then it is again what it was before.
// `integers` are LH_VIEW_INTEGERS. That many views at once, at most, or `lh_call` fails:
#define LH_VIEWS_BOUND 16
void lh_push_bound(lh_vm *vm, int32_t view, const void *bytes, size_t count, const int64_t *integers);
// What the value at a stack index is bound to, where it is a view.
typedef struct {
    bool is_view, live;
    const void *bytes;
    size_t count;
    const int64_t *integers;
} lh_bound;
lh_bound lh_bound_at(lh_vm *vm, int32_t index);
// The bytes of a view; false: it is not bound.
bool lh_view_bytes(lh_vm *vm, int32_t view, const void **bytes, size_t *count);
int64_t lh_view_integer(lh_vm *vm, int32_t view, int32_t place);

#endif
