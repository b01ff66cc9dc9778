internal import CLuaHost

// This file and HostValues.swift are those of this module that say `unsafe`: the machine of C in Swift's types.
// No call here can raise a Lua error through a Swift frame, because CLuaHost has none that raises; and every
// Swift frame that Lua calls returns before Lua raises what it threw.

/// Stops machines from another thread, within about a millisecond of Lua code or of work of its libraries.
@safe public final class LuaInterrupter: @unchecked Sendable {
    fileprivate let flag: OpaquePointer

    /// - Throws: `LuaError` of kind `memory`.
    public init() throws(LuaError) {
        guard let flag = unsafe lh_flag_open() else {
            throw LuaError(kind: .memory, message: "no memory for a Lua machine")
        }
        unsafe self.flag = flag
    }
    deinit { unsafe lh_flag_close(flag) }

    /// Stops what runs now, and all calls until `reset()`.
    public func interrupt() { unsafe lh_flag_set(flag, true) }
    /// Whether it was, and not reset since.
    public var isInterrupted: Bool { unsafe lh_flag_is_set(flag) }
    /// Lets the machine run again.
    public func reset() { unsafe lh_flag_set(flag, false) }
}

/// Frees the references of a machine. It outlives the machine, which nothing refers to weakly then: weak references
/// make every retain and release of an object slow.
@safe final class ReferenceRelease {
    @exclusivity(unchecked) fileprivate var vm: OpaquePointer?

    fileprivate init(_ vm: OpaquePointer) { unsafe self.vm = unsafe vm }

    func callAsFunction(_ reference: Int32) {
        if let vm = unsafe vm { unsafe lh_release(vm, reference) }
    }
}

/// The machine of C, and the Swift functions that it calls.
@safe final class Host {
    let interrupter: LuaInterrupter
    let vm: OpaquePointer
    let release: ReferenceRelease
    // Without the checks of exclusive access where each call would pay for them: a machine belongs to one thread,
    // and no access lasts longer than its line.
    @exclusivity(unchecked) private var entryList: [Entry] = []
    @exclusivity(unchecked) private var viewList: [LuaView] = []
    @exclusivity(unchecked) private var runningCount = 0
    @exclusivity(unchecked) private var errorsArePresent = false
    /// Thrown by Swift functions since the outermost call began, at the places that C gave them.
    var errors = [(any Error)?](repeating: nil, count: Int(LH_HOST_ERRORS))
    /// What a Swift function returned last. C pushes it after the function is gone, and what a reference
    /// leads to must be there then.
    var returned: [LuaValue] = []
    private unowned var attached: LuaVM?

    var views: [LuaView] { unsafe viewList }
    var hasErrors: Bool {
        get { unsafe errorsArePresent }
        set { unsafe errorsArePresent = newValue }
    }
    /// Swift functions that Lua called and that have not returned.
    var depth: Int {
        get { unsafe runningCount }
        set { unsafe runningCount = newValue }
    }
    func entry(_ number: Int) -> Entry { unsafe entryList[number] }

    init(_ limits: LuaLimits, _ randomSeed: UInt64?) throws(LuaError) {
        if let given = limits.interrupter { interrupter = given } else { interrupter = try LuaInterrupter() }
        var limits = lh_limits(limits, randomSeed)
        guard let vm = unsafe lh_open(&limits, interrupter.flag) else {
            throw LuaError(kind: .memory, message: "the memory limit is too low for a Lua machine")
        }
        unsafe self.vm = vm
        release = unsafe ReferenceRelease(vm)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe lh_attach(
            vm,
            { context, function, count in
                // Returns on every path: nothing that Lua raises passes through here.
                guard let context = unsafe context else { return -1 }
                return unsafe Unmanaged<Host>.fromOpaque(context)._withUnsafeGuaranteedRef {
                    $0.run(function, count)
                }
            }, context)
    }

    deinit {
        unsafe release.vm = nil
        unsafe lh_close(vm)
    }

    // MARK: The embedder's side

    func attach(_ machine: LuaVM) { attached = machine }

    var machine: LuaVM {
        guard let attached else { preconditionFailure("a Lua machine was called after its end") }
        return attached
    }

    /// What tells this machine's things from another's.
    var owner: UInt { UInt(bitPattern: ObjectIdentifier(self)) }

    /// The numbers of another machine's things mean nothing here.
    @inline(__always)
    func check(_ owner: UInt) { precondition(owner == self.owner, "it belongs to another Lua machine") }

    private func add(_ entry: Entry) -> Int32 {
        unsafe entryList.append(entry)
        return unsafe Int32(entryList.count - 1)
    }

    func define(_ path: String, _ entry: Entry) throws(LuaError) {
        try check(unsafe lh_define_function(vm, path, add(entry)))
    }

    func define(_ path: String, _ value: LuaValue) throws(LuaError) {
        push([value])
        try check(unsafe lh_define_value(vm, path))
    }

    func makeClass(
        _ name: String, getter: ((LuaArguments, Int?) throws -> LuaValue)?
    ) throws(LuaError) -> Int32 {
        let function = getter.map { add(Entry(name: name, body: .getter($0))) }
        var id: Int32 = 0
        try check(unsafe lh_class_open(vm, name, function ?? Int32(LH_VIEW_NO_GETTER), &id))
        return id
    }

    func addReaders(to viewClass: LuaViewClass) throws(LuaError) {
        try check(unsafe lh_class_readers(vm, viewClass.id))
    }

    func add(_ field: LuaField, _ name: String, to viewClass: LuaViewClass) throws(LuaError) {
        let (kind, place, width) = field.encoded
        let isInteger = kind == LH_FIELD_UNSIGNED || kind == LH_FIELD_SIGNED
        precondition(place >= 0 && width >= 0 && width < 1 << 28, "a field lies outside of any item")
        precondition(!isInteger || (1...8).contains(width), "an integer has 1 to 8 bytes")
        let status = unsafe lh_class_field(
            vm, viewClass.id, name, kind, Int32(clamping: place), Int32(clamping: width))
        try check(status)
    }

    func add(
        _ method: @escaping LuaVM.Function, _ name: String, to viewClass: LuaViewClass
    ) throws(LuaError) {
        let function = add(Entry(name: name, body: .one(method)))
        try check(unsafe lh_class_method(vm, viewClass.id, name, function))
    }

    func makeView(_ viewClass: LuaViewClass) throws(LuaError) -> LuaView {
        var id: Int32 = 0
        try check(unsafe lh_view_open(vm, viewClass.id, &id))
        let view = LuaView(viewClass, id)
        unsafe viewList.append(view)
        return view
    }

    func makeWords(_ words: [String]) throws(LuaError) -> Int32 {
        var id: Int32 = 0
        try check(unsafe lh_words_open(vm, &id))
        for (place, word) in words.enumerated() {
            try check(unsafe lh_words_add(vm, id, word, Int32(place)))
        }
        return id
    }

    func load(_ source: [UInt8], name: String) throws(LuaError) -> LuaReference {
        var id: Int32 = 0
        let status = unsafe source.withUnsafeBytes { bytes in
            unsafe lh_load(vm, name.hasPrefix("=") ? name : "@" + name, bytes.baseAddress, bytes.count, &id)
        }
        try check(status)
        return LuaReference(id, self)
    }

    func place(_ level: Int) -> String {
        var text = [CChar](repeating: 0, count: 96)
        return unsafe text.withUnsafeMutableBufferPointer {
            unsafe lh_place(vm, Int32(clamping: level), $0.baseAddress, $0.count)
            return unsafe String(decoding: $0.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    func countOutput(_ count: Int) throws(LuaError) { try check(unsafe lh_count_output(vm, max(0, count))) }

    var memoryInUse: Int { unsafe lh_memory(vm) }
    var memoryPeak: Int { unsafe lh_memory_peak(vm) }
    var instructionsLeft: Int64 { unsafe lh_instructions_left(vm) }

    // MARK: Values towards Lua

    func pushNil() { unsafe lh_push_nil(vm) }

    func push(_ value: LuaValue) {
        switch value {
        case .nil: unsafe lh_push_nil(vm)
        case .boolean(let value): unsafe lh_push_boolean(vm, value)
        case .integer(let value): unsafe lh_push_integer(vm, value)
        case .number(let value): unsafe lh_push_number(vm, value)
        case .string(let bytes):
            unsafe bytes.withUnsafeBytes { unsafe lh_push_copy(vm, $0.baseAddress, $0.count) }
        case .function(let reference):
            check(reference.owner)
            unsafe lh_push_reference(vm, reference.id)
        case .view(let view):
            check(view.owner)
            unsafe lh_push_view(vm, view.id)
        case .table(let table):
            if let reference = table.reference {
                check(reference.owner)
                unsafe lh_push_reference(vm, reference.id)
                return
            }
            unsafe lh_push_table(vm, Int32(clamping: table.entries.count))
            for entry in table.entries {
                push(entry.key)
                push(entry.value)
            }
        }
    }

    func push(_ values: [LuaValue]) {
        begin()
        for value in values { push(value) }
    }

    @inline(__always)
    private func push(_ argument: borrowing LuaArgument) {
        switch argument.content {
        case .absent: break
        case .nil: unsafe lh_push_nil(vm)
        case .boolean: unsafe lh_push_boolean(vm, argument.bits != 0)
        case .integer: unsafe lh_push_integer(vm, argument.bits)
        case .number: unsafe lh_push_number(vm, Double(bitPattern: UInt64(bitPattern: argument.bits)))
        case .reference:
            check(argument.owner)
            unsafe lh_push_reference(vm, Int32(truncatingIfNeeded: argument.bits))
        // The pointers of these two leave their closures. What they point at stays: the caller holds the
        // argument, and with it the span, until the call has returned.
        case .bytes:
            unsafe argument.bytes.withUnsafeBytes { unsafe lh_push_bytes(vm, $0.baseAddress, $0.count) }
        case .view:
            check(argument.owner)
            let view = Int32(truncatingIfNeeded: argument.bits)
            let integers = argument.integers
            unsafe argument.bytes.withUnsafeBytes { bytes in
                unsafe integers.span.withUnsafeBufferPointer {
                    unsafe lh_push_bound(vm, view, bytes.baseAddress, bytes.count, $0.baseAddress)
                }
            }
        }
    }

    @inline(__always)
    func push(
        _ a: borrowing LuaArgument, _ b: borrowing LuaArgument, _ c: borrowing LuaArgument,
        _ d: borrowing LuaArgument
    ) {
        begin()
        push(a)
        push(b)
        push(c)
        push(d)
    }

    // MARK: Calls

    /// Calls with what was pushed. `finish` has to follow.
    @inline(__always)
    func invoke(_ function: Int32) throws(LuaError) -> lh_outcome {
        let outcome = unsafe lh_call(vm, function)
        if outcome.status != LH_OK { try check(outcome.status) }
        return outcome
    }

    func makeCallback(
        _ function: LuaReference, _ second: LuaCallback.Second, _ words: LuaWords
    ) throws(LuaError) -> Int32 {
        var id: Int32 = -1
        let status: lh_status
        switch second {
        case .reference(let reference):
            check(reference.owner)
            status = unsafe lh_callback_open(vm, function.id, reference.id, false, words.id, &id)
        case .view(let view):
            check(view.owner)
            status = unsafe lh_callback_open(vm, function.id, view.id, true, words.id, &id)
        }
        try check(status)
        return id
    }

    /// Calls a callback. What is neither a word nor nothing has to be finished.
    @inline(__always)
    func ask(
        _ callback: Int32, _ view: Int32, over bytes: RawSpan, _ integers: [4 of Int64]
    ) throws(LuaError) -> lh_answer {
        let answer = unsafe bytes.withUnsafeBytes { bytes in
            unsafe integers.span.withUnsafeBufferPointer {
                unsafe lh_ask(vm, callback, view, bytes.baseAddress, bytes.count, $0.baseAddress)
            }
        }
        if answer.outcome.status != LH_OK { try check(answer.outcome.status) }
        return answer
    }

    func finish(_ outcome: lh_outcome) { unsafe lh_finish(vm, outcome) }

    /// Forgets what was pushed.
    func clear() { unsafe lh_begin(vm) }

    /// The place of a result in a list of words; negative: it is none of them.
    func word(at index: Int32, in words: Int32) -> Int32 { unsafe lh_word_at(vm, index, words) }

    /// Leaves a message for Lua to raise when the Swift function has returned; gives the place of its error.
    func fail(_ message: String) -> Int {
        var message = message
        return Int(message.withUTF8 { unsafe lh_fail(vm, $0.baseAddress, $0.count) })
    }

    func check(_ status: lh_status) throws(LuaError) {
        if status == LH_OK { return }
        var count = 0
        let start = unsafe lh_message(vm, &count)
        let text = unsafe UnsafeRawBufferPointer(start: start, count: count)
        let place = Int(unsafe lh_host_error(vm))
        let kind = LuaError.Kind(status)
        throw LuaError(
            kind: kind, message: unsafe String(decoding: text, as: UTF8.self),
            traceback: kind == .syntax ? "" : unsafe String(cString: lh_traceback(vm)),
            underlying: kind == .host && place >= 0 ? errors[place] : nil)
    }
}

extension LuaArgument {
    /// A function or a table of the machine, itself.
    @_lifetime(borrow reference)
    public static func reference(_ reference: borrowing LuaReference) -> LuaArgument {
        let argument = LuaArgument(.reference, Int64(reference.id), RawSpan(), owner: reference.owner)
        return unsafe _overrideLifetime(argument, borrowing: reference)
    }
}
