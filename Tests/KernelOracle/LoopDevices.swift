/// Image files as block devices, while the lock is held.
struct LoopDevices: ~Copyable {
    private(set) var paths: [String] = []
    private var lock: KernelLock
    private let losetup: Command

    private init(lock: consuming KernelLock, losetup: Command) {
        self.lock = lock
        self.losetup = losetup
    }

    /// Attaches images in their order. None stays attached when one cannot be.
    static func attach(_ images: [String]) throws(OracleError) -> LoopDevices {
        let losetup = try Command.named("losetup")
        var devices = LoopDevices(lock: try KernelLock.acquire(), losetup: losetup)
        do {
            for image in images { try devices.attach(image) }
        } catch {
            try? devices.detach()
            throw error
        }
        return devices
    }

    private mutating func attach(_ image: String) throws(OracleError) {
        let path = try losetup.check(["--find", "--show", image], timeout: .seconds(30))
        paths.append(path)
        try lock.recordLoop(path, image: image)
    }

    mutating func recordMount(_ folder: String) throws(OracleError) { try lock.recordMount(folder) }

    /// Makes the kernel forget the volume and gives the devices back. Tries all of them.
    ///
    /// - Throws: the first error.
    mutating func detach() throws(OracleError) {
        var failure: OracleError?
        for path in paths {
            // Fails when the kernel has never heard of the device, which is as good.
            _ = try? Command.named("btrfs").run(["device", "scan", "--forget", path], timeout: .seconds(30))
            do {
                try losetup.check(["--detach", path], timeout: .seconds(30))
            } catch {
                failure = failure ?? error
            }
        }
        paths = []
        if let failure { throw failure }
        try lock.recordsAreDone()
    }
}
