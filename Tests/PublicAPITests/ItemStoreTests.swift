import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// A journaled store of items, as one embeds it.
@Suite struct ItemStoreTests {
    /// Items of two bytes.
    struct TwoBytes: ItemValidator {
        func validate(key: Key, data: RawSpan) throws(FormatError) {
            if data.byteCount != 2 { throw FormatError(.invalid("the item has \(data.byteCount) bytes, not 2")) }
        }
    }

    static let type = KeyType(97)
    static let checkedType = KeyType(98)
    typealias Items = [UInt64: [UInt8]]

    static func options() throws -> MountOptions {
        var options = MountOptions()
        try options.registry.itemTypes.register(.custom(name: "PLAIN", keyType: type))
        try options.registry.itemTypes.register(.custom(name: "CHECKED", keyType: checkedType, validator: TwoBytes()))
        return options
    }

    static func device() throws -> MemoryDevice {
        let device = MemoryDevice(byteCount: 64 << 20)
        try Volume.create(on: device)
        return device
    }

    static func items(_ store: FileSystem, _ object: String) throws -> Items {
        Dictionary(uniqueKeysWithValues: try store.items(object, of: type).map { ($0.key.offset, $0.data) })
    }

    private func code(_ body: () throws -> Void) -> Errno? {
        do { try body() } catch { return (error as? FileSystemError)?.code }
        return nil
    }

    /// Wherever the power goes: what was put since the last fsync is there as a whole or not at all, and nothing that
    /// was durable is lost.
    @Test(arguments: [1, 2] as [UInt64]) func aGroupOfChangesIsThereOrNot(seed: UInt64) throws {
        let recording = Recording()
        var random = SeededGenerator(seed: seed)
        let device = RecordingDevice(base: try Self.device(), recording: recording)
        let store = try FileSystem(mounting: [device], Self.options())
        let objects = ["/a", "/b"]
        for object in objects { try store.create(object) }
        try store.sync()
        var current = [String: Items](uniqueKeysWithValues: objects.map { ($0, [:]) })
        var durable = current
        for _ in 0..<8 {
            let begin = recording.operations.count
            let object = objects.randomElement(using: &random) ?? "/a"
            for _ in 0..<6 {
                let changed = objects.randomElement(using: &random) ?? "/a"
                let offset = UInt64.random(in: 0..<12, using: &random)
                if current[changed]?[offset] != nil, Bool.random(using: &random) {
                    try store.deleteItem(changed, Self.type, at: offset)
                    current[changed]?[offset] = nil
                } else {
                    let data = random.bytes(.random(in: 0...600, using: &random))
                    try store.putItem(changed, Self.type, at: offset, data)
                    current[changed]?[offset] = data
                }
            }
            let before = durable
            if case .fullCommit = try store.fsync(object) { durable = current } else { durable[object] = current[object] }
            for count in begin...recording.operations.count {
                let point = CrashPoint(after: count, dropping: Set(recording.unflushedWrites(after: count)))
                let after = try FileSystem(mounting: recording.state(at: point), Self.options())
                let found = [String: Items](uniqueKeysWithValues: try objects.map { ($0, try Self.items(after, $0)) })
                let isOver = count == recording.operations.count
                #expect(found == durable || !isOver && found == before, "seed \(seed), after \(count)")
            }
        }
    }

    @Test func rangesEndWhereTheyAreSaidTo() throws {
        let store = try FileSystem(mounting: [Self.device()], Self.options())
        try store.create("/a")
        try store.create("/b")
        #expect(try store.items("/a", of: Self.type).isEmpty)
        for offset in [0, 1, 5, .max - 1, .max] as [UInt64] { try store.putItem("/a", Self.type, at: offset, []) }
        // Neighbours: the next object, and the next type.
        try store.putItem("/b", Self.type, at: 0, [1])
        try store.putItem("/a", Self.checkedType, at: 0, [1, 2])
        func offsets(_ range: ClosedRange<UInt64>) throws -> [UInt64] {
            try store.items("/a", of: Self.type, in: range).map(\.key.offset)
        }
        #expect(try offsets(0...(.max)) == [0, 1, 5, .max - 1, .max])
        #expect(try offsets(0...0) == [0])
        #expect(try offsets(2...4) == [])
        #expect(try offsets(1...5) == [1, 5])
        #expect(try offsets(.max ... .max) == [.max])
        #expect(try offsets(6...(.max - 1)) == [.max - 1])
        #expect(try store.items("/b", of: Self.type).map(\.data) == [[1]])
    }

    @Test func whatCannotBeStoredIsRefused() throws {
        let device = try Self.device()
        let store = try FileSystem(mounting: [device], Self.options())
        try store.create("/a")
        let most = LeafView.maximumItemByteCount(nodeSize: store.volume.nodeSize)
        try store.putItem("/a", Self.type, at: 1, [UInt8](repeating: 7, count: most))
        #expect(code { try store.putItem("/a", Self.type, at: 1, [UInt8](repeating: 8, count: most + 1)) } == .tooBig)
        #expect(code { try store.putItem("/a", .extentData, at: 1, [1]) } == .invalid)
        #expect(code { try store.putItem("/none", Self.type, at: 1, [1]) } == .noEntry)
        #expect(code { try store.deleteItem("/a", Self.type, at: 2) } == .noData)
        #expect(code { _ = try store.getItem("/a", Self.type, at: 2) } == .noData)
        // What the type refuses would keep the log from being replayed.
        do throws(FileSystemError) { try store.putItem("/a", Self.checkedType, at: 1, [1, 2, 3]) } catch {
            #expect(error.code == .invalid && "\(error)".contains("put item /a: EINVAL (the item has 3 bytes"), "\(error)")
        }
        try store.putItem("/a", Self.checkedType, at: 1, [1, 2])
        #expect(try store.fsync("/a") != .nothingToDo)
        let after = try FileSystem(mounting: [device], Self.options())
        #expect(try after.getItem("/a", Self.checkedType, at: 1) == [1, 2])
        #expect(try after.getItem("/a", Self.type, at: 1).count == most)
        #expect(try after.items("/a", of: Self.checkedType).count == 1)
        var reading = try Self.options()
        reading.isReadOnly = true
        let readOnly = try FileSystem(mounting: [device], reading)
        #expect(code { try readOnly.putItem("/a", Self.type, at: 3, [1]) } == .readOnly)
        #expect(try readOnly.items("/a", of: Self.type).count == 1)
    }

    /// With its object an item goes, also when the object is made durable after that.
    @Test func deletedObjects() throws {
        let device = try Self.device()
        let store = try FileSystem(mounting: [device], Self.options())
        for object in ["/a", "/b"] {
            try store.create(object)
            for offset in 0..<40 as Range<UInt64> { try store.putItem(object, Self.type, at: offset, [UInt8](repeating: 1, count: 900)) }
        }
        try store.sync()
        let open = try store.open("/a")
        try store.putItem("/a", Self.type, at: 7, [1])
        try store.unlink("/a")
        _ = try store.fsync(open)
        try store.unlink("/b")
        #expect(code { _ = try store.fsync("/b") } == .noEntry)
        _ = try store.fsync("/")
        let after = try FileSystem(mounting: [device], Self.options())
        #expect(try after.readDirectory("/").isEmpty)
        try after.sync()
        let report = VolumeChecker(try Volume(opening: [device])).run()
        #expect(report.findings.isEmpty && report.inodeCount < 5, "\(report.findings)")
    }

    /// Nothing is lost when the store is full, and there is a way out.
    @Test func aFullStore() throws {
        let device = try Self.device()
        let store = try FileSystem(mounting: [device], Self.options())
        try store.create("/large")
        try store.create("/small")
        try store.putItem("/small", Self.type, at: 1, [1])
        try store.sync()
        var count: UInt64 = 0
        let item = [UInt8](repeating: 9, count: 9000)
        while code({ try store.putItem("/large", Self.type, at: count, item) }) == nil { count += 1 }
        #expect(count > 500)
        #expect(code { try store.putItem("/large", Self.type, at: count, item) } == .noSpace)
        #expect(try store.items("/large", of: Self.type).count == Int(count))
        // A commit, if there was none before the refusal.
        _ = try store.fsync("/large")
        let after = try FileSystem(mounting: [device], Self.options())
        #expect(try after.items("/large", of: Self.type).count == Int(count))
        // Each item can be deleted, and others then have its place.
        for offset in count - 20..<count { try after.deleteItem("/large", Self.type, at: offset) }
        try after.putItem("/large", Self.type, at: count, item)
        #expect(try after.items("/large", of: Self.type).count == Int(count) - 19)
        // More than there is room to change at once.
        try after.unlink("/large")
        try after.putItem("/small", Self.type, at: 2, item)
        try after.sync()
        #expect(try after.items("/small", of: Self.type).map(\.data) == [[1], item])
        let report = VolumeChecker(try Volume(opening: [device])).run()
        #expect(report.findings.isEmpty, "\(report.findings)")
    }
}
