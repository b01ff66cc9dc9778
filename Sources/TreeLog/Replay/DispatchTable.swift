internal import BtrfsFormat

/// What to do with items of each key type, worked out once for a replay.
struct DispatchTable {
    enum Action {
        /// The handler replays it in its stage.
        case replay
        /// Nobody knows it, and it may be passed over only if the policy tolerates that.
        case passOver(Tolerance)
        /// Nobody knows it, and it must be known.
        case refuse
        /// It is read by the handlers of other items.
        case nothing
    }

    /// A class, and the handler no optional one: each item of a log is looked up in each stage, and copying what is
    /// found would be half the cost.
    final class Entry {
        let action: Action
        let stage: ReplayStage
        /// Of the action `replay`.
        let handler: any ReplayHandler
        let validator: (any ItemValidator)?
        let hasValidator: Bool

        init(handler: any ReplayHandler, validator: (any ItemValidator)? = nil) {
            action = .replay
            stage = handler.stage
            self.handler = handler
            self.validator = validator
            hasValidator = validator != nil
        }

        init(action: Action, stage: ReplayStage) {
            self.action = action
            self.stage = stage
            handler = CustomItemHandler()
            validator = nil
            hasValidator = false
        }
    }

    private let entries: ContiguousArray<Entry>
    private let stages: ContiguousArray<ReplayStage>

    init(_ types: ItemTypes) {
        entries = ContiguousArray((0..<256).map { Self.entry(KeyType(UInt8($0)), types) })
        stages = ContiguousArray(entries.map(\.stage))
    }

    @inline(__always)
    subscript(type: KeyType) -> Entry { entries[Int(type.rawValue)] }

    /// The stage in which items of a type are replayed; faster than to ask their entry.
    @inline(__always)
    func stage(of type: KeyType) -> ReplayStage { stages[Int(type.rawValue)] }

    private static func entry(_ keyType: KeyType, _ types: ItemTypes) -> Entry {
        guard let type = types[keyType] else {
            if ItemType.customMandatory.contains(keyType.rawValue) {
                return Entry(action: .refuse, stage: .inodes)
            }
            if ItemType.customOptional.contains(keyType.rawValue) {
                return Entry(handler: CustomItemHandler())
            }
            return Entry(action: .passOver(.ignoredItems), stage: .everything)
        }
        if let handler = type.handler {
            return Entry(handler: handler, validator: type.validator)
        }
        switch keyType {
        case .dirItem, .dirLogItem: return Entry(action: .passOver(.oldDirectoryItems), stage: .everything)
        case .dirLogIndex, .extentChecksum: return Entry(action: .nothing, stage: .pin)
        default: return Entry(action: .passOver(.ignoredItems), stage: .everything)
        }
    }
}
