internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

// Item types: what a handler in Lua does with a logged item.

extension PluginMachine {
    /// What is done with an item of a type that has no replay function.
    func validateAndReplay(
        _ item: borrowing LoggedItem, as number: Int, _ native: any ReplayHandler, in context: inout ReplayContext
    ) throws(LogError) {
        try validate(item, definition.items[number], &context)
        try native.replay(item, in: &context)
    }

    /// What a replay function needs for each item; nil where the type has none.
    func prepareHandler(_ number: Int, _ native: any ReplayHandler) throws(LogError) -> PreparedCallback? {
        let type = definition.items[number]
        guard let function = type.replay, let words = words.handler else { return nil }
        return try prepare(
            function, .view(try views().context), words, "replay of \(type.name)", type.name, number, native: native,
            isValidated: type.validate != nil)
    }

    fileprivate func finish(
        _ choice: LuaChoice, _ type: ItemDefinition, _ context: inout ReplayContext
    ) throws(LogError) {
        let callback = "replay of \(type.name)"
        guard let index = choice.word else {
            if choice.other == .nil { return }
            throw LogError(
                failure(Self.notAWord(choice.other ?? .nil, APITable.handlerWords), callback).cause, at: context.place)
        }
        let reason = choice.rest.first?.text ?? "left out by plugin '\(definition.name)'"
        switch APITable.handlerWords[index] {
        case "done": return
        case "skip": context.report.skip(.item(context.place), reason, at: context.place)
        case "skip_inode":
            let inode = context.place.key?.objectID ?? ObjectID(0)
            throw context.failure(
                .leaveOut(SkippedThing(.inode(inode), of: context.subvolume, reason: reason, at: context.place)))
        default:
            let reason = choice.rest.first?.text ?? "no reason given"
            throw context.failure(.plugin("plugin '\(definition.name)', \(callback) stopped: \(reason)"))
        }
    }

    fileprivate func validate(
        _ item: borrowing LoggedItem, _ type: ItemDefinition, _ context: inout ReplayContext
    ) throws(LogError) {
        let (key, data) = (item.key, item.data)
        let problem = try slot.lend(&context) { () throws(LogError) in try self.problem(key, data, type) }
        if let problem { throw context.failure(.format(FormatError.invalid(problem))) }
    }

    /// What `validate` of an item type says against an item; nil for nothing.
    ///
    /// - Throws: `LogError` when the script runs into a limit.
    func problem(_ key: Key, _ data: RawSpan, _ type: ItemDefinition) throws(LogError) -> String? {
        guard let function = type.validate else { return nil }
        let callback = "validate of \(type.name)"
        let view = try views().views(of: key.type).logged
        let outer = phase
        phase = .describe
        defer { phase = outer }
        do throws(LuaError) {
            guard let words = words.handler else { return nil }
            let result = try vm.choose(from: words, function, .item(view, key, data, inode: key.objectID))
            guard result.other?.boolean == false else { return nil }
            return result.rest.first?.text ?? "\(type.name): not valid"
        } catch {
            if error.kind == .runtime { return Self.split(error.message).text }
            throw failure(error, callback)
        }
    }

    /// What `describe` of an item type says; nil where it has none.
    func description(_ key: Key, _ data: RawSpan, _ type: ItemDefinition) throws(LogError) -> String? {
        guard let function = type.describe else { return nil }
        let view = try views().views(of: key.type).logged
        let result = try call("describe of \(type.name)", .describe) { () throws(LuaError) in
            try vm.call(function, .item(view, key, data, inode: key.objectID))
        }
        guard let text = result.text else {
            throw failure("it returned a \(result.typeName), and not a string", "describe of \(type.name)")
        }
        return text
    }
}

extension PreparedCallback {
    /// Calls a replay function.
    func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        if isValidated { try machine.validate(item, machine.definition.items[number], &context) }
        let (key, data) = (item.key, item.data)
        let answer = try slot.run(self) { () throws(LogError) in try ask(key, data, .replay, &context) }
        switch answer {
        case .nothing, .word(0): break
        case .word(let index):
            try machine.finish(LuaChoice(word: index), machine.definition.items[number], &context)
        case .other: try machine.finish(vm.answer, machine.definition.items[number], &context)
        }
    }

    /// What would have been done with the item without the script.
    func replayNatively(_ key: Key, _ bytes: RawSpan, _ context: inout ReplayContext) throws(LogError) {
        let (block, slot) = (context.place.block ?? LogicalAddress(0), context.place.slot ?? 0)
        try native.replay(LoggedItem(key: key, data: bytes, block: block, slot: slot), in: &context)
    }
}
