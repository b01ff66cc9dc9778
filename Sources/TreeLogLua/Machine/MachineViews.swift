internal import BtrfsFormat
internal import BtrfsVolume
internal import LuaRuntime
internal import TreeLog

/// The views of a machine, made once and bound anew for each call. Of items there are two: a callback may be given
/// both sides of a conflict.
struct MachineViews {
    /// For types that the plugin did not declare.
    private let items: ItemViews
    /// By key type.
    private let typed: [ItemViews?]
    /// Of the items of a log, by key type.
    let logged: [LuaViewNumber]
    let conflict: LuaView
    let context: LuaView
    let block: LuaView

    struct ItemViews {
        let logged: LuaView
        let committed: LuaView
    }

    init(_ machine: PluginMachine) throws {
        items = try ItemViews(machine, nil)
        var typed = [ItemViews?](repeating: nil, count: 256)
        for item in machine.definition.items where item.fields != nil {
            typed[Int(item.keyType.rawValue)] = try ItemViews(machine, item)
        }
        self.typed = typed
        let others = items
        logged = typed.map { LuaViewNumber(($0 ?? others).logged) }
        conflict = try machine.vm.makeView(try machine.makeConflictClass())
        context = try machine.vm.makeView(try machine.makeContextClass())
        block = try machine.vm.makeView(try machine.makeBlockClass())
    }

    @inline(__always)
    func views(of type: KeyType) -> ItemViews { typed[Int(type.rawValue)] ?? items }
}

extension MachineViews.ItemViews {
    init(_ machine: PluginMachine, _ item: ItemDefinition?) throws {
        let viewClass = try machine.makeItemClass(item)
        logged = try machine.vm.makeView(viewClass)
        committed = try machine.vm.makeView(viewClass)
    }
}

extension LuaArgument {
    /// An item through a view.
    @inline(__always)
    @_lifetime(copy data)
    static func item(_ view: LuaView, _ key: Key, _ data: RawSpan, inode: ObjectID) -> LuaArgument {
        .view(
            view, over: data,
            integers: [
                Int64(bitPattern: key.objectID.rawValue), Int64(key.type.rawValue), Int64(bitPattern: key.offset),
                Int64(bitPattern: inode.rawValue),
            ])
    }
}

/// The computed names of an item view, by number.
private enum ItemName: String, CaseIterable {
    case type, subvolume, block, slot, path

    /// Numbers from here on are fields of the item type.
    static let fieldBase = 100
}

extension PluginMachine {
    // MARK: Items

    func makeItemClass(_ item: ItemDefinition?) throws -> LuaViewClass {
        var fields: [String: LuaField] = [
            "objectid": .header(0), "kind": .header(1), "offset": .header(2), "inode": .header(3),
            "size": .byteCount,
        ]
        for (number, name) in ItemName.allCases.enumerated() { fields[name.rawValue] = .computed(number) }
        let list = item?.fields
        for (index, field) in (list?.fields ?? []).enumerated() {
            fields[field.name] = field.kind.view(at: list?.fixedOffsets[index] ?? nil, number: index)
        }
        let known = fields.keys + APITable.item.keys
        return try vm.makeViewClass(
            item?.name ?? "item", fields: fields, methods: itemMethods(list),
            getter: { [unowned self] arguments, number in
                guard let number else { throw try Self.unknown(arguments, known) }
                if number >= ItemName.fieldBase, let list {
                    let index = number - ItemName.fieldBase
                    return list.fields[index].kind.lua(try list.value(at: index, of: try arguments.viewBytes(0)))
                }
                return try itemValue(ItemName.allCases[number], arguments)
            })
    }

    private static func unknown(_ arguments: borrowing LuaArguments, _ known: [String]) throws -> APIError {
        let name = try arguments.text(1)
        return APIError("an item has no field '\(name)'\(Nearest.hint(name, among: known))")
    }

    private func itemValue(_ name: ItemName, _ arguments: borrowing LuaArguments) throws -> LuaValue {
        switch name {
        case .type: return .text(typeName(try viewKey(arguments, 0).type))
        case .subvolume: return .objectID(currentPlace.subvolume)
        case .block: return currentPlace.block.map { .integer(Int64(bitPattern: $0.rawValue)) } ?? .nil
        case .slot: return currentPlace.slot.map { .integer(Int64($0)) } ?? .nil
        case .path: return try path(of: ObjectID(UInt64(bitPattern: try arguments.viewInteger(0, 3))))
        }
    }

    /// The path of an inode as it is at this moment.
    func path(of inode: ObjectID) throws -> LuaValue {
        var path: [UInt8]?
        if let conflict {
            path = conflict.path(of: inode)
        } else if slot.isLent {
            path = try slot.use { (context: inout ReplayContext) throws(LogError) -> [UInt8]? in
                do throws(VolumeError) { return try context.names.path(of: inode) } catch {
                    throw context.failure(from: error)
                }
            } ?? nil
        } else {
            path = paths?.path(of: inode)
        }
        return path.map { .string($0) } ?? .nil
    }

    private func itemMethods(_ list: FieldList?) -> [String: LuaVM.Function] {
        [
            "key": { [unowned self] in .table(LuaTable(try viewKey($0, 0))) },
            "decode": { [unowned self] arguments in
                let bytes = try arguments.viewBytes(0)
                if let list { return .table(list.table(of: try list.decode(bytes))) }
                let description = ItemDescription.describe(key: try viewKey(arguments, 0), data: bytes)
                if let problem = description.problem { throw problem }
                return .table(LuaTable(description.record))
            },
            "describe": { [unowned self] arguments in
                let bytes = try arguments.viewBytes(0)
                let record: ItemRecord
                if let list {
                    record = try list.record(of: bytes)
                } else {
                    record = ItemDescription.describe(key: try viewKey(arguments, 0), data: bytes).record
                }
                return .text(record.entries.map { "\($0.name) \($0.value.text)" }.joined(separator: " "))
            },
        ]
    }

    // MARK: Conflicts

    func makeConflictClass() throws -> LuaViewClass {
        let names = APITable.conflict.entries.filter { if case .field = $0.kind { true } else { false } }.map(\.name)
        let fields = Dictionary(
            uniqueKeysWithValues: names.enumerated().map { ($0.element, LuaField.computed($0.offset)) })
        return try vm.makeViewClass(
            "conflict", fields: fields,
            methods: [
                "path_of": { [unowned self] in try path(of: ObjectID(try $0.unsigned(1))) }
            ],
            readers: .excluded,
            getter: { [unowned self] arguments, number in
                guard let number, let conflict else {
                    let name = try arguments.text(1)
                    let hint = Nearest.hint(name, among: APITable.conflict.keys)
                    throw APIError("a conflict has no field '\(name)'\(hint)")
                }
                return value(names[number], of: conflict)
            })
    }

    private func value(_ name: String, of conflict: Conflict) -> LuaValue {
        switch name {
        case "kind": .text(conflict.kind.word)
        case "reason": .text(conflict.detail)
        case "stage": .text(conflict.stage.word)
        case "policy": policyName.map { .text($0) } ?? .nil
        case "subvolume": .objectID(conflict.subvolume)
        case "inode": .objectID(conflict.inode)
        case "objectid": .objectID(conflict.key.objectID)
        case "key": .table(LuaTable(conflict.key))
        case "name": conflict.name.map { .string($0) } ?? .nil
        case "directory": .objectID(conflict.directory)
        case "index": conflict.index.map { .integer(Int64(bitPattern: $0)) } ?? .nil
        case "path": conflict.path.map { .string($0) } ?? .nil
        case "logged": conflict.logged == nil ? .nil : sides.map { .view($0.logged) } ?? .nil
        case "committed": conflict.committed == nil ? .nil : sides.map { .view($0.committed) } ?? .nil
        case "mainline": .text(conflict.mainline.word)
        default: .nil
        }
    }

    // MARK: Blocks

    func makeBlockClass() throws -> LuaViewClass {
        try vm.makeViewClass(
            "block",
            fields: [
                "address": .header(0), "level": .header(1), "generation": .header(2), "count": .header(3),
                "subvolume": .computed(0),
            ],
            readers: .excluded,
            getter: { [unowned self] arguments, number in
                if number == 0 { return .objectID(place.subvolume ?? .treeLog) }
                let name = try arguments.text(1)
                throw APIError("a block has no field '\(name)'\(Nearest.hint(name, among: APITable.block.keys))")
            })
    }
}

extension FieldKind {
    /// How a view reads the field: in place where it can.
    fileprivate func view(at offset: Int?, number: Int) -> LuaField {
        let computed = LuaField.computed(ItemName.fieldBase + number)
        guard let offset else { return computed }
        switch self {
        case .integer(let integer):
            return integer.isSigned
                ? .signed(at: offset, width: integer.byteCount) : .unsigned(at: offset, width: integer.byteCount)
        case .bytes(.fixed(let count), _): return .bytes(at: offset, count: count)
        case .bytes(.rest, _): return .tail(at: offset)
        default: return computed
        }
    }
}

extension LuaValue {
    static func objectID(_ id: ObjectID?) -> LuaValue {
        id.map { .integer(Int64(bitPattern: $0.rawValue)) } ?? .nil
    }
}

extension LuaTable {
    /// The description of a built-in item.
    init(_ record: ItemRecord) {
        self.init(fields: record.entries.map { ($0.name, LuaValue($0.value)) })
    }
}

extension LuaValue {
    fileprivate init(_ value: ItemValue) {
        switch value {
        case .unsigned(let value): self = .integer(Int64(bitPattern: value))
        case .signed(let value): self = .integer(value)
        case .text(let text): self = .text(text)
        case .name(let bytes), .bytes(let bytes): self = .string(bytes)
        case .time(let time): self = .table(LuaTable(time))
        case .key(let key): self = .table(LuaTable(key))
        case .list(let values): self = .table(LuaTable(list: values.map { LuaValue($0) }))
        case .record(let record): self = .table(LuaTable(record))
        }
    }
}

extension Resolution {
    /// The word of the API.
    var word: String {
        switch self {
        case .takeLogged: "take"
        case .keepCommitted: "keep"
        case .keepBoth: "keep_both"
        case .replace: "merge"
        case .skipItem: "skip"
        case .skipInode: "skip_inode"
        case .abort: "stop"
        }
    }
}
