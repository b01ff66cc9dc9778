// Copies of images. An image is large and nearly all holes, so its blocks are shared where the file system
// can do that, and else only its data is copied.

extension FileDevice {
    /// What to do when there is a file of the name already.
    public enum ExistingFile: Sendable { case refuse, replace }

    /// Copies the image or block device at `source` to a new image file.
    ///
    /// The copy is durable when this returns, and holes of the source are holes of the copy. With `.replace`
    /// the old file stays until the copy is complete; after an error it is still there, and no half copy is.
    ///
    /// - Throws: `DeviceError`: `.inUse` when somebody writes to the source, `.unsuitable` when the target
    ///   exists and is not to be replaced, or is no file.
    public static func clone(
        from source: String, to target: String, existingFile: ExistingFile = .refuse
    ) throws(DeviceError) {
        let original = try FileDevice(path: source, access: .readOnly)
        try checkTarget(target, of: original, existingFile)
        let path = existingFile == .replace ? target + ".partial" : target
        do throws(SystemError) {
            let copy = try File(path, .create)
            do throws(SystemError) {
                try copy.copyImage(of: original.file, byteCount: original.byteCount)
                try copy.synchronize()
                if path != target { try File.rename(path, to: target) }
            } catch {
                try? File.remove(path)
                throw error
            }
            try File.synchronizeFolder(of: target)
        } catch {
            throw DeviceError(device: path, operation: .copy, reason: .system(code: error.code))
        }
    }

    /// Writes what `device` holds to a new image file, durably. What the device knows to be zero is not read, and
    /// blocks of zeros become holes.
    ///
    /// - Throws: `DeviceError`; in particular when there is something at `path` already.
    /// - Complexity: O(bytes of `dataRanges`).
    public static func create(at path: String, contentOf device: any BlockDevice) throws(DeviceError) {
        let file = try create(at: path, byteCount: device.byteCount)
        for range in try device.dataRanges.ranges {
            var position = range.lowerBound
            while position < range.upperBound {
                let count = min(1 << 20, range.upperBound - position)
                let bytes = try device.bytes(at: position, count: Int(count))
                if !RawSpan(_elements: bytes.span).holdsOnlyZeros { try file.write(bytes, at: position) }
                position += count
            }
        }
        try file.flush()
    }

    private static func checkTarget(
        _ target: String, of original: FileDevice, _ existingFile: ExistingFile
    ) throws(DeviceError) {
        guard let status = try? FileStatus(path: target) else { return }
        let obstacle: String? =
            if existingFile == .refuse {
                "there is a file of this name already"
            } else if status.kind != .regular {
                "it is not a file, and only files are replaced"
            } else if status.identity == (try? original.file.status)?.identity {
                "source and target are the same file"
            } else {
                nil
            }
        guard let obstacle else { return }
        throw DeviceError(device: target, operation: .copy, reason: .unsuitable(obstacle))
    }
}

extension File {
    /// Makes this new, empty file a copy of the first `byteCount` bytes of `source`.
    fileprivate func copyImage(of source: borrowing File, byteCount: UInt64) throws(SystemError) {
        do throws(SystemError) {
            try shareBlocks(of: source)
            return
        } catch {
            guard error.isUnsupported else { throw error }
        }
        try setByteCount(byteCount)
        var position: UInt64 = 0
        while position < byteCount, let data = try source.dataRange(from: position, to: byteCount) {
            let end = min(data.upperBound, byteCount)
            try copyData(of: source, min(data.lowerBound, end)..<end)
            position = end
        }
    }

    /// The next range of data; all of the rest where the file cannot say where its holes are.
    func dataRange(from position: UInt64, to end: UInt64) throws(SystemError) -> Range<UInt64>? {
        do throws(SystemError) {
            return try nextData(from: position)
        } catch {
            guard error.isUnsupported else { throw error }
            return position..<end
        }
    }

    /// Copies a range; blocks of zeros become holes.
    private func copyData(of source: borrowing File, _ range: Range<UInt64>) throws(SystemError) {
        let blockSize: UInt64 = 65536
        var buffer = [UInt8](repeating: 0, count: Int(blockSize))
        var position = range.lowerBound
        while position < range.upperBound {
            let wanted = Int(min(blockSize, range.upperBound - position))
            var span = buffer.mutableSpan
            var target = MutableRawSpan(_elements: &span)._consumingExtracting(0..<wanted)
            let count = try source.read(into: &target, at: position)
            guard count > 0 else { return }
            let bytes = RawSpan(_elements: buffer.span).extracting(0..<count)
            if !bytes.holdsOnlyZeros { try write(bytes, at: position) }
            position += UInt64(count)
        }
    }

    /// Makes the entry of a file in its folder durable.
    static func synchronizeFolder(of path: String) throws(SystemError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "."
        try File(String(folder), .read).synchronize()
    }
}
