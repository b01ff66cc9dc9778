internal import CLuaHost

// What scripts give: arguments of functions, and results of calls.

extension Host {
    func kind(at index: Int32) -> lh_kind { unsafe lh_value_at(vm, index).kind }

    func integer(at index: Int32) -> Int64? {
        let value = unsafe lh_value_at(vm, index)
        return unsafe value.kind == LH_INTEGER ? value.integer : nil
    }

    func boolean(at index: Int32) -> Bool? {
        let value = unsafe lh_value_at(vm, index)
        return unsafe value.kind == LH_BOOLEAN ? value.integer != 0 : nil
    }

    func view(at index: Int32) -> LuaView? {
        let value = unsafe lh_value_at(vm, index)
        return unsafe value.kind == LH_VIEW ? views[Int(value.integer)] : nil
    }

    /// The bytes of a string that an argument is.
    @_lifetime(copy arguments)
    func bytes(at index: Int32, of arguments: LuaArguments) -> RawSpan {
        let value = unsafe lh_value_at(vm, index)
        let bytes = unsafe UnsafeRawBufferPointer(start: value.bytes, count: value.count)
        return unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), copying: arguments)
    }

    /// The bytes of a view that an argument is.
    @_lifetime(copy arguments)
    func bytes(of view: LuaView, for arguments: LuaArguments) -> RawSpan {
        var start: UnsafeRawPointer?
        var count = 0
        guard unsafe lh_view_bytes(vm, view.id, &start, &count) else { return RawSpan() }
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
        return unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), copying: arguments)
    }

    func isBound(_ view: LuaView) -> Bool {
        var start: UnsafeRawPointer?
        var count = 0
        return unsafe lh_view_bytes(vm, view.id, &start, &count)
    }

    func integer(_ place: Int, of view: LuaView) -> Int64 {
        unsafe lh_view_integer(vm, view.id, Int32(clamping: max(0, place)))
    }

    /// What an argument that is a view is bound to; nil where it is none.
    @_lifetime(copy arguments)
    func contents(at index: Int32, of arguments: LuaArguments) -> LuaViewContents? {
        let bound = unsafe lh_bound_at(vm, index)
        guard unsafe bound.is_view else { return nil }
        guard unsafe bound.live, let integers = unsafe bound.integers else {
            return LuaViewContents(isBound: false, RawSpan(), [0, 0, 0, 0])
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: bound.bytes, count: bound.count)
        let span = unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), copying: arguments)
        return unsafe LuaViewContents(
            isBound: true, span, [integers[0], integers[1], integers[2], integers[3]])
    }

    func copy(_ bytes: RawSpan) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    func reference(at index: Int32) throws(LuaError) -> LuaReference {
        var id: Int32 = 0
        try check(unsafe lh_reference_at(vm, index, &id))
        return LuaReference(id, self)
    }

    func display(at index: Int32) throws(LuaError) -> String {
        var start: UnsafeRawPointer?
        var count = 0
        try check(unsafe lh_display_at(vm, index, &start, &count))
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func value(at index: Int32) throws(LuaError) -> LuaValue {
        let value = unsafe lh_value_at(vm, index)
        switch unsafe value.kind {
        case LH_FUNCTION: return .function(try reference(at: index))
        case LH_TABLE:
            var values: UnsafePointer<lh_value>?
            var count: Int32 = 0
            try check(unsafe lh_tree_at(vm, index, &values, &count))
            let tree = unsafe UnsafeBufferPointer(start: values, count: Int(count))
            var place = 0
            return unsafe decode(tree, &place)
        default: return unsafe simple(value)
        }
    }

    @unsafe private func simple(_ value: lh_value) -> LuaValue {
        switch unsafe value.kind {
        case LH_BOOLEAN: unsafe .boolean(value.integer != 0)
        case LH_INTEGER: unsafe .integer(value.integer)
        case LH_NUMBER: unsafe .number(value.number)
        case LH_STRING:
            unsafe .string([UInt8](UnsafeRawBufferPointer(start: value.bytes, count: value.count)))
        case LH_VIEW: unsafe .view(views[Int(value.integer)])
        default: .nil
        }
    }

    /// The value at `place` of a tree and what is in it. C has limited the depth.
    @unsafe private func decode(_ tree: UnsafeBufferPointer<lh_value>, _ place: inout Int) -> LuaValue {
        let value = unsafe tree[place]
        place += 1
        switch unsafe value.kind {
        case LH_FUNCTION: return unsafe .function(LuaReference(value.reference, self))
        case LH_TABLE:
            let reference = unsafe LuaReference(value.reference, self)
            var entries: [LuaTable.Entry] = []
            unsafe entries.reserveCapacity(value.count)
            for _ in 0..<(unsafe value.count) {
                let key = unsafe decode(tree, &place)
                entries.append(LuaTable.Entry(key, unsafe decode(tree, &place)))
            }
            return .table(LuaTable(read: entries, reference: reference))
        default: return unsafe simple(value)
        }
    }
}
