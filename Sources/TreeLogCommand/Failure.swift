internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// An error as people and programs get it: one line that says what is wrong, where, and what to do.
struct Failure: Error {
    var message: String
    var nextStep: String?
    var place = LogPlace()
    /// The device and the offset there, of an error of a device.
    var device: String?
    var offset: UInt64?

    init(_ message: String, nextStep: String? = nil) {
        self.message = message
        self.nextStep = nextStep
    }

    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as LogError: self.init(log: error)
        case let error as VolumeError: self.init(volume: error)
        case let error as DeviceError: self.init(device: error)
        default: self.init("\(error)")
        }
    }

    private init(log error: LogError) {
        switch error.cause {
        case .volume where error.isDamageOfVolume:
            self.init("\(error)", nextStep: error.nextStep)
            place = error.place
        case .volume(.device(let cause)):
            self.init(device: cause)
            place = error.place
        case .volume(.damaged(let text, let block, let slot, let key)):
            self.init(error, FormatError(.invalid(text), block: block, slot: slot, key: key))
        case .volume(.format(let cause)), .format(let cause):
            self.init(error, cause)
        default:
            self.init("\(error)", nextStep: error.nextStep)
            place = error.place
        }
    }

    /// Both the error and its cause know places, mostly the same; each is told once.
    private init(_ error: LogError, _ cause: FormatError) {
        var place = error.place
        place.block = place.block ?? cause.block
        place.slot = place.slot ?? cause.slot
        place.key = place.key ?? cause.key
        let note = error.note.map { " (\($0))" } ?? ""
        self.init("\(place): \(FormatError(cause.reason))\(note)", nextStep: error.nextStep)
        self.place = place
    }

    private init(device error: DeviceError) {
        self.init("\(error)")
        device = error.device
        offset = error.offset
        switch error.reason {
        case .outOfBounds, .endOfFile: nextStep = "The image is cut short; copy it again."
        case .readOnly: nextStep = "Make it writable, or write a copy with --output."
        case .system where error.isExistingFile: nextStep = Self.existingFileAdvice
        case .system:
            nextStep =
                switch error.operation {
                case .open: "Check the path and your rights; devices need root."
                case .create, .copy: "Check that the folder exists, can be written and has room."
                case .read: "Save the device to an image first, with ddrescue."
                case .write, .flush, .undo: "Check the device; then replay again, the log is still there."
                }
        case .inUse, .unsuitable, .damaged, .failedBefore, .injected: break
        }
    }

    private init(volume error: VolumeError) {
        switch error {
        case .device(let error): self.init(device: error)
        case .format(let cause):
            self.init("\(error)", nextStep: Self.damageAdvice)
            place = LogPlace(block: cause.block, slot: cause.slot, key: cause.key)
        case .damaged(_, let block, let slot, let key):
            self.init("\(error)", nextStep: block == nil ? nil : Self.damageAdvice)
            place = LogPlace(block: block, slot: slot, key: key)
        case .noSpace: self.init("\(error)", nextStep: "Nothing was changed; add a device or space to the volume.")
        default: self.init("\(error)")
        }
    }

    static let existingFileAdvice = "Name another file, or remove it."
    private static let damageAdvice = "Look at the volume with 'btrfs check --readonly'."
}

extension Failure: CustomStringConvertible {
    /// The whole on one line; after the traceback of a script what to do is on one of its own.
    var description: String {
        guard let nextStep else { return message }
        if message.contains("\n") { return "\(message)\n\(nextStep)" }
        return message + (message.hasSuffix(".") ? " " : ". ") + nextStep
    }
}

extension Failure {
    func write(to json: JSONWriter) {
        json.document("error") {
            json.field("message", message)
            json.field("next_step", nextStep)
            if let device {
                json.field("device", device)
                json.field("offset", offset)
            }
            json.field("place", place)
        }
    }
}

extension JSONWriter {
    /// Several problems, as of plugins that do not load.
    func document(_ schema: String, problems: [String]) {
        document(schema) {
            field("message", problems.first)
            field("problems", problems)
        }
    }

    /// A place in a log as an object that has only what is known.
    func field(_ name: String, _ place: LogPlace) {
        object(name) {
            if let subvolume = place.subvolume { field("subvolume", subvolume) }
            if let block = place.block { field("block", block) }
            if let slot = place.slot { field("slot", slot) }
            if let key = place.key { field("key", "\(key)") }
            if let stage = place.stage { field("stage", "\(stage)") }
        }
    }
}

extension LogError {
    /// What the user can do next.
    fileprivate var nextStep: String {
        switch cause {
        case .volume(.device), .volume(.noSpace), .volume(.unsupported):
            "The log is untouched; replay again when this is solved."
        case .volume where isDamageOfVolume:
            "There the volume is damaged, not its log; look at it with 'btrfs check --readonly'."
        case .unregisteredType(let type):
            "Load the plugin that defines key type \(type.rawValue), or replay with the policy 'salvage'."
        case .stopped, .notTolerated:
            "Replay with the policy 'mainline' to do what the kernel does, or with 'salvage'."
        case .invalidResolution, .plugin, .unknownName:
            "Correct the plugin or choose another policy; the volume is unchanged."
        case .volume, .format, .damaged, .refused, .missingInode, .missingDirectory, .indexTaken, .leaveOut:
            "Linux fails here as well, or harms the volume; the policy 'salvage' replays all but what is damaged."
        case .hopelessLog:
            "It is kept, and with it all logs. To give it up and replay the others: --give-up-logs."
        }
    }
}
