internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

// Conflicts and filters: from the words of a script to decisions.

extension PluginMachine {
    /// Has a function of a policy decide.
    ///
    /// - Returns: nil where the base shall.
    func decide(
        _ conflict: Conflict, policy: PolicyDefinition, options: [PluginOption], base: String?
    ) throws(LogError) -> Resolution? {
        guard let function = policy.resolvers[conflict.kind] else { return nil }
        let state = try state(of: policy.name, options, policy.begin, .filter)
        return try decide(conflict, "\(conflict.kind.word) of policy \(policy.name)", policy.name) {
            (conflictView, logged, committed, words) throws(LuaError) in
            try vm.choose(from: words, function, conflictView, .reference(state), logged, committed)
        }
    }

    /// Has the function of an item type decide.
    func decide(_ conflict: Conflict, item: ItemDefinition) throws(LogError) -> Resolution? {
        guard let function = item.resolve else { return nil }
        return try decide(conflict, "resolve of \(item.name)", nil) {
            (conflictView, logged, committed, words) throws(LuaError) in
            try vm.choose(from: words, function, logged, committed, conflictView)
        }
    }

    private func decide(
        _ conflict: Conflict, _ callback: String, _ policy: String?,
        _ body: (
            _ conflict: borrowing LuaArgument, _ logged: borrowing LuaArgument, _ committed: borrowing LuaArgument,
            _ words: LuaWords
        ) throws(LuaError) -> LuaChoice
    ) throws(LogError) -> Resolution? {
        guard let words = words.resolution else { return nil }
        let views = try views()
        let sides = views.views(of: conflict.isAboutItem ? conflict.key.type : KeyType(0))
        let outer = (self.conflict, self.sides, policyName)
        (self.conflict, self.sides, policyName) = (conflict, (sides.logged, sides.committed), policy)
        defer { (self.conflict, self.sides, policyName) = outer }
        let logged = conflict.logged?.bytes ?? []
        let committed = conflict.committed?.bytes ?? []
        let (loggedSpan, committedSpan) = (logged.rawSpan, committed.rawSpan)
        let choice = try call(callback, .resolve) { () throws(LuaError) in
            try body(
                .view(views.conflict),
                .item(sides.logged, conflict.key, loggedSpan, inode: conflict.logged?.inode ?? conflict.inode),
                .item(
                    sides.committed, conflict.key, committedSpan, inode: conflict.committed?.inode ?? conflict.inode),
                words)
        }
        return try resolution(choice, conflict, callback)
    }

    private func resolution(
        _ choice: LuaChoice, _ conflict: Conflict, _ callback: String
    ) throws(LogError) -> Resolution? {
        guard let index = choice.word else {
            guard let other = choice.other, other != .nil else { return nil }
            throw failure(Self.notAWord(other, APITable.resolutionWords), callback)
        }
        let word = APITable.resolutionWords[index]
        switch word {
        case "take": return .takeLogged
        case "keep": return .keepCommitted
        case "skip": return .skipItem
        case "skip_inode": return .skipInode
        case "stop": return .abort(reason: choice.rest.first?.text ?? conflict.detail)
        case "keep_both":
            guard case .string(let name) = choice.rest.first else {
                throw failure("\"keep_both\" needs the new name of the committed file", callback)
            }
            return .keepBoth(name: name)
        default:
            return .replace(try bytes(choice.rest.first, word, conflict.key.type, callback))
        }
    }

    /// The bytes that come with "merge" or "replace"; a table is encoded by the fields of the type.
    private func bytes(
        _ value: LuaValue?, _ word: String, _ type: KeyType, _ callback: String
    ) throws(LogError) -> [UInt8] {
        if case .string(let bytes) = value { return bytes }
        let fields = definition.items.first { $0.keyType == type }?.fields
        guard case .table(let table) = value, let fields else {
            throw failure("\"\(word)\" needs the bytes of the item", callback)
        }
        do { return try fields.encode(try fields.values(from: table)) } catch {
            throw failure("\"\(word)\": \(error)", callback)
        }
    }

    static func notAWord(_ value: LuaValue, _ words: [String]) -> String {
        let list = words.joined(separator: ", ")
        guard let text = value.text else { return "it returned a \(value.typeName), and not one of \(list)" }
        return "it returned \"\(text)\"\(Nearest.hint(text, among: words, quote: "\"")), and not one of \(list)"
    }

    // MARK: Filters

    /// What a filter needs for each item.
    func prepareFilter(_ number: Int, _ options: [PluginOption]) throws(LogError) -> PreparedCallback {
        let policy = definition.policies[number]
        guard let function = policy.filter, let words = words.filter else {
            preconditionFailure("a policy without a filter is asked for none")
        }
        let state = try state(of: policy.name, options, policy.begin, .filter)
        return try prepare(
            function, .reference(state), words, "filter of policy \(policy.name)", policy.name, number)
    }

    func prepare(
        _ function: LuaReference, _ second: LuaCallback.Second, _ words: LuaWords, _ callback: String, _ name: String,
        _ number: Int, native: any ReplayHandler = CustomItemHandler(), isValidated: Bool = false
    ) throws(LogError) -> PreparedCallback {
        let views = try views().logged
        let prepared: LuaCallback
        do { prepared = try vm.makeCallback(function, second: second, words: words) } catch {
            throw failure(error, callback)
        }
        return PreparedCallback(prepared, views, self, callback, name, number, native, isValidated: isValidated)
    }

    fileprivate func verdict(
        _ choice: LuaChoice, _ type: KeyType, _ callback: String, _ policy: String
    ) throws(LogError) -> FilterVerdict {
        guard let index = choice.word else {
            if choice.other == .nil { return .replay }
            throw failure(Self.notAWord(choice.other ?? .nil, APITable.filterWords), callback)
        }
        let reason = choice.rest.first?.text ?? "left out by the filter of policy '\(policy)'"
        switch APITable.filterWords[index] {
        case "continue": return .replay
        case "ignore": return .ignoreItem(reason: reason)
        case "ignore_inode": return .ignoreInode(reason: reason)
        case "stop": return .stop(reason: choice.rest.first?.text ?? "no reason given")
        default: return .replace(try bytes(choice.rest.first, "replace", type, callback))
        }
    }
}

/// What is the same in all calls of one callback, so that a call costs no look-ups.
final class PreparedCallback {
    let function: LuaCallback
    /// By key type.
    let views: [LuaViewNumber]
    let vm: LuaVM
    let slot: ContextSlot
    unowned let machine: PluginMachine
    /// For messages.
    let callback: String
    let name: String
    /// Of the policy or the item type.
    let number: Int
    /// What `context:native` goes on with, in a replay function.
    let native: any ReplayHandler
    /// Whether the type has a function that looks at each item before.
    let isValidated: Bool

    init(
        _ function: LuaCallback, _ views: [LuaViewNumber], _ machine: PluginMachine, _ callback: String,
        _ name: String, _ number: Int, _ native: any ReplayHandler, isValidated: Bool
    ) {
        self.function = function
        self.views = views
        self.machine = machine
        vm = machine.vm
        slot = machine.slot
        self.callback = callback
        self.name = name
        self.number = number
        self.native = native
        self.isValidated = isValidated
    }

    /// Calls a filter.
    func judge(_ item: borrowing LoggedItem, _ context: inout ReplayContext) throws(LogError) -> FilterVerdict {
        let key = item.key
        let choice: LuaChoice
        switch try ask(key, item.data, .filter, &context) {
        case .nothing, .word(0): return .replay
        case .word(let index): choice = LuaChoice(word: index)
        case .other: choice = vm.answer
        }
        return try slot.lend(&context) { () throws(LogError) in
            try machine.verdict(choice, key.type, callback, name)
        }
    }

    /// Calls a filter with an item and its state, or a replay function with an item and the context.
    @inline(__always)
    func ask(
        _ key: Key, _ data: RawSpan, _ phase: ScriptPhase, _ context: inout ReplayContext
    ) throws(LogError) -> LuaAnswer {
        let view = views[Int(key.type.rawValue)]
        let objectID = Int64(bitPattern: key.objectID.rawValue)
        let integers = [objectID, Int64(key.type.rawValue), Int64(bitPattern: key.offset), objectID] as [4 of Int64]
        let outer = slot.phase
        slot.phase = phase
        defer { slot.phase = outer }
        let answer: LuaAnswer
        do throws(LuaError) {
            answer = try slot.lend(&context, asking: { () throws(LuaError) in
                try vm.ask(function, view, over: data, integers: integers)
            })
        } catch {
            slot.pendingFailure = nil
            throw try slot.lend(&context) { () throws(LogError) in machine.failure(error, callback) }
        }
        if slot.hasPendingFailure, let failure = slot.pendingFailure {
            slot.pendingFailure = nil
            throw failure
        }
        return answer
    }
}

extension Conflict {
    /// Whether the sides are items of the type of the key, and no names.
    fileprivate var isAboutItem: Bool {
        switch kind {
        case .inodeItem, .xattr, .extent, .customItem, .damagedItem, .missingInode: true
        default: false
        }
    }
}
