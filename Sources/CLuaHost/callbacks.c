// Callbacks: the calls of each of many items, with nothing left to put together.
#include "vm.h"

#include <string.h>

lh_status lh_callback_open(
    lh_vm *vm, int32_t function, int32_t second, bool is_second_view, int32_t words, int32_t *callback) {
    *callback = -1;
    lh_callback *list = lh_grown(vm->callbacks, vm->callback_count, &vm->callback_capacity, sizeof *list);
    if (!list) { lh_set_memory_stop(vm); return vm->stop; }
    vm->callbacks = list;
    list[vm->callback_count] = (lh_callback){function, words, second, is_second_view, NULL, LH_ANSWER_OTHER};
    *callback = vm->callback_count++;
    return LH_OK;
}

static void bind(lh_binding *binding, const void *bytes, size_t count, const int64_t *integers) {
    binding->bytes = bytes ? bytes : (const void *)"";
    binding->count = count;
    memcpy(binding->integers, integers, sizeof binding->integers);
    binding->live = true;
}

// What the results say; those that are no single word stay on the stack.
static int32_t read_answer(lh_vm *vm, int32_t callback, int first, int count) {
    lua_State *L = vm->L;
    if (count == 0 || (count == 1 && lua_isnil(L, first))) return LH_ANSWER_NOTHING;
    if (count > 1 || lua_type(L, first) != LUA_TSTRING) return LH_ANSWER_OTHER;
    lh_callback *asked = &vm->callbacks[callback];
    int32_t place = lh_word_at(vm, first, asked->words);
    if (place >= 0 && lua_rawlen(L, first) <= LH_SHORT_STRING) {
        asked->word = lua_topointer(L, first);
        asked->place = place;
    }
    return place;
}

lh_answer lh_ask(
    lh_vm *vm, int32_t callback, int32_t view, const void *bytes, size_t count, const int64_t *integers) {
    lua_State *L = vm->L;
    int base = lua_gettop(L);
    lh_answer answer = {{lh_enter(vm), base + 2, 0}, LH_ANSWER_OTHER};
    if (answer.outcome.status != LH_OK) return answer;
    // The frame of a C function has so many places without asking.
    if (base > LUA_MINSTACK - 8 && !lua_checkstack(L, 8)) {
        lh_set_memory_stop(vm);
        answer.outcome.status = vm->stop;
        lh_leave(vm);
        return answer;
    }
    const lh_callback *asked = &vm->callbacks[callback];  // not after the script ran: the list may grow
    lh_view *first = vm->views[view], *second = asked->is_second_view ? vm->views[asked->second] : NULL;
    const bool first_is_live = first->binding.live, second_is_live = second && second->binding.live;
    lh_binding outer;
    if (first_is_live) outer = first->binding;
    bind(&first->binding, bytes, count, integers);
    lua_pushcfunction(L, lh_message_handler);
    lua_rawgeti(L, LUA_REGISTRYINDEX, asked->function);
    lua_rawgeti(L, LUA_REGISTRYINDEX, first->reference);
    lua_rawgeti(L, LUA_REGISTRYINDEX, second ? second->reference : asked->second);
    if (second) second->binding.live = true;
    answer.outcome.status = lh_run(vm, base, 2, LUA_MULTRET);
    lh_leave(vm);
    if (second) second->binding.live = second_is_live;
    if (first_is_live) first->binding = outer;
    else first->binding.live = false;
    if (answer.outcome.status == LH_OK) {
        answer.outcome.count = lua_gettop(L) - base - 1;
        const void *word = answer.outcome.count == 1 ? lua_topointer(L, base + 2) : NULL;
        asked = &vm->callbacks[callback];
        if (word && word == asked->word) answer.word = asked->place;
        else answer.word = read_answer(vm, callback, base + 2, answer.outcome.count);
        if (answer.word == LH_ANSWER_OTHER) return answer;
    }
    lua_settop(L, base);
    return answer;
}
