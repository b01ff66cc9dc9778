import BlockDevices
import TestSupport
import Testing

/// One of each kind of device, all zeros, to test what all of them promise.
enum DeviceKind: CaseIterable, CustomStringConvertible {
    case file, memory, overlay, recording, faulty, undo

    var description: String {
        switch self {
        case .file: "FileDevice"
        case .memory: "MemoryDevice"
        case .overlay: "OverlayDevice"
        case .recording: "RecordingDevice"
        case .faulty: "FaultyDevice"
        case .undo: "UndoDevice"
        }
    }

    func makeDevice(byteCount: UInt64, in folder: borrowing TemporaryFolder) throws -> any BlockDevice {
        let memory = MemoryDevice(byteCount: byteCount)
        switch self {
        case .file: return try FileDevice.create(at: folder.file("image"), byteCount: byteCount)
        case .memory: return memory
        case .overlay: return OverlayDevice(base: memory)
        case .recording: return RecordingDevice(base: memory)
        case .faulty: return FaultyDevice(base: memory, failing: .max)
        case .undo: return try #require(UndoFile.create(at: folder.file("undo"), protecting: [memory]).first)
        }
    }
}

extension BlockDevice {
    /// The whole content.
    func content() throws -> [UInt8] { try bytes(at: 0, count: Int(byteCount)) }
}

/// Writes to a device and to a plain array.
struct ModelledWrite: CustomStringConvertible {
    let offset: UInt64
    let bytes: [UInt8]

    var description: String { "\(bytes.count) bytes at \(offset)" }

    /// Mostly small, often at the boundaries of sectors and pages, sometimes zeros.
    init(byteCount: Int, using random: inout SeededGenerator) {
        var offset = Int.random(in: 0...byteCount, using: &random)
        if Bool.random(using: &random) { offset &= ~511 }
        let most = Bool.random(using: &random) ? 1500 : 150_000
        let count = Int.random(in: 0...min(most, byteCount - offset), using: &random)
        self.offset = UInt64(offset)
        let isZero = Int.random(in: 0..<6, using: &random) == 0
        bytes = isZero ? [UInt8](repeating: 0, count: count) : random.bytes(count)
    }

    func apply(to model: inout [UInt8], count: Int? = nil) {
        let kept = bytes.prefix(count ?? bytes.count)
        model.replaceSubrange(Int(offset)..<Int(offset) + kept.count, with: kept)
    }
}
