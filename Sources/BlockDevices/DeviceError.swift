internal import Glibc

/// What a device could not do, where, and why.
public struct DeviceError: Error, Equatable, Sendable {
    /// What was tried.
    public enum Operation: String, Sendable {
        /// The calls of a device, and what is done with whole files.
        case open, create, copy, read, write, flush, undo
    }

    /// What went wrong.
    public enum Reason: Equatable, Sendable {
        /// The range does not lie within the device.
        case outOfBounds(byteCount: UInt64)
        /// The system refused; the number is an `errno`.
        case system(code: Int32)
        /// The device is read-only, or was opened for reading only.
        case readOnly
        /// Somebody else uses the device; the text says who and what to do about it.
        case inUse(String)
        /// The file ended before the size it had when it was opened.
        case endOfFile
        /// The path, or what it leads to, cannot serve; the text says why.
        case unsuitable(String)
        /// An undo file that cannot be trusted; the text says why.
        case damaged(String)
        /// An earlier flush of this device failed, so that nobody knows what the medium holds.
        case failedBefore
        /// A `FaultyDevice` was told to fail here.
        case injected
    }

    /// The name of the device.
    public var device: String
    /// What was to be done.
    public var operation: Operation
    /// In bytes from the start of the device, where the operation has a place.
    public var offset: UInt64?
    /// In bytes, where the operation has a size.
    public var count: Int?
    /// Why it could not be done.
    public var reason: Reason

    /// An error of `operation` on `device`.
    public init(
        device: String, operation: Operation, offset: UInt64? = nil, count: Int? = nil, reason: Reason
    ) {
        self.device = device
        self.operation = operation
        self.offset = offset
        self.count = count
        self.reason = reason
    }
}

extension DeviceError: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        var text = "\(device): cannot \(operation.rawValue)"
        if let count { text += " \(count) bytes" }
        if let offset { text += " at offset \(offset)" }
        return text + ": " + reason.description
    }
}

extension DeviceError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outOfBounds(let byteCount): "the device has only \(byteCount) bytes"
        case .system(let code): SystemError(code: code).description
        case .readOnly: "it is read-only"
        case .inUse(let text), .unsuitable(let text): text
        case .endOfFile: "the file is shorter than it was"
        case .damaged(let text): "not a sound undo file: \(text)"
        case .failedBefore: "an earlier flush failed"
        case .injected: "this fault was asked for"
        }
    }
}

extension DeviceError {
    /// Whether a file was not made because there is one of that name.
    public var isExistingFile: Bool { operation == .create && reason == .system(code: EEXIST) }

    /// Whether a pipe took no more because its reader is gone.
    public var isClosedPipe: Bool { operation == .write && reason == .system(code: EPIPE) }
}
