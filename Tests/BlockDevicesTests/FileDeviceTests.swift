import BlockDevices
import TestSupport
import Testing

/// Image files: who may open them, and what a copy of one is.
@Suite struct FileDeviceTests {
    @Test func contentSurvivesClosing() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        do {
            let device = try FileDevice.create(at: path, byteCount: 1 << 20)
            try device.write([1, 2, 3], at: 70_000)
            try device.flush()
        }
        let device = try FileDevice(path: path, access: .readOnly)
        #expect(device.name == path)
        #expect(device.byteCount == 1 << 20)
        #expect(try device.bytes(at: 69_999, count: 5) == [0, 1, 2, 3, 0])
    }

    /// A terabyte, of which two pieces are something: what is known to be zero is not read.
    @Test func anImageOfADeviceTakesTheTimeOfItsData() throws {
        let folder = try TemporaryFolder()
        let base = try FileDevice.create(at: folder.file("base"), byteCount: 1 << 40)
        try base.write([1, 2, 3], at: 5 << 30)
        let device = OverlayDevice(base: base)
        try device.write([7, 8], at: (1 << 40) - 2)
        try FileDevice.create(at: folder.file("image"), contentOf: device)
        let image = try FileDevice(path: folder.file("image"), access: .readOnly)
        #expect(image.byteCount == 1 << 40)
        #expect(try image.bytes(at: 5 << 30, count: 4) == [1, 2, 3, 0])
        #expect(try image.bytes(at: (1 << 40) - 3, count: 3) == [0, 7, 8])
        #expect(try image.dataRanges.ranges.count == 2)
        #expect(throws: DeviceError.self) { try FileDevice.create(at: folder.file("image"), contentOf: device) }
    }

    @Test func readOnlyMeansIt() throws {
        let folder = try TemporaryFolder()
        _ = try FileDevice.create(at: folder.file("image"), byteCount: 4096)
        let device = try FileDevice(path: folder.file("image"), access: .readOnly)
        #expect(device.isReadOnly)
        let error = #expect(throws: DeviceError.self) { try device.write([1], at: 0) }
        #expect(error?.reason == .readOnly)
        try device.flush()
    }

    @Test func oneWriterOrManyReaders() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        do {
            let writer = try FileDevice.create(at: path, byteCount: 4096)
            for access in [FileDevice.Access.readOnly, .readWrite] {
                let error = #expect(throws: DeviceError.self) { try FileDevice(path: path, access: access) }
                #expect(error?.reason == .inUse("it is in use by another process, or was given twice"))
            }
            try writer.write([1], at: 0)
        }
        let readers = [
            try FileDevice(path: path, access: .readOnly), try FileDevice(path: path, access: .readOnly),
        ]
        #expect(throws: DeviceError.self) { try FileDevice(path: path, access: .readWrite) }
        #expect(try readers.map { try $0.bytes(at: 0, count: 1) } == [[1], [1]])
    }

    /// As when another thread starts a process, which has the open files of this one until its program begins.
    @Test func closingFreesAFileThatAProcessInherited() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        var writer: FileDevice? = try FileDevice.create(at: path, byteCount: 4096)
        let inherited = try InheritedFiles(path)
        #expect(writer != nil && !inherited.isEmpty)
        writer = nil
        _ = try FileDevice(path: path, access: .readWrite)
    }

    @Test func refusesWhatIsNoDevice() throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, "/dev/null"] {
            let error = #expect(throws: DeviceError.self) { try FileDevice(path: path, access: .readOnly) }
            #expect(error?.reason == .unsuitable("it is neither a block device nor an image file"))
        }
        let missing = #expect(throws: DeviceError.self) {
            try FileDevice(path: folder.file("none"), access: .readWrite)
        }
        #expect("\(missing, default: "")".hasSuffix("/none: cannot open: No such file or directory"))
    }

    @Test func createNeverReplaces() throws {
        let folder = try TemporaryFolder()
        _ = try FileDevice.create(at: folder.file("image"), byteCount: 10)
        let error = #expect(throws: DeviceError.self) {
            try FileDevice.create(at: folder.file("image"), byteCount: 20)
        }
        #expect(error?.operation == .create)
        #expect(try FileDevice(path: folder.file("image"), access: .readOnly).byteCount == 10)
    }

    @Test func mountTableNamesAreUnescaped() {
        #expect(unescapedMountField(#"/mnt/a\040b\134c"#) == #"/mnt/a b\c"#)
        #expect(unescapedMountField(#"/mnt/end\04"#) == #"/mnt/end\04"#)
    }
}

@Suite struct ImageCopyTests {
    /// A copy that did not keep the holes would never end.
    @Test func copiesDataAndKeepsHoles() throws {
        let folder = try TemporaryFolder()
        let size: UInt64 = 1 << 40
        let pieces: [(UInt64, [UInt8])] = [
            (0, [1]),
            (123_456_789, SeededGenerator(seed: 3).firstBytes(300_000)),
            (size - 5, [9, 8, 7, 6, 5]),
        ]
        do {
            let source = try FileDevice.create(at: folder.file("source"), byteCount: size)
            for (offset, bytes) in pieces { try source.write(bytes, at: offset) }
        }
        try FileDevice.clone(from: folder.file("source"), to: folder.file("copy"))
        let copy = try FileDevice(path: folder.file("copy"), access: .readWrite)
        #expect(copy.byteCount == size)
        for (offset, bytes) in pieces { #expect(try copy.bytes(at: offset, count: bytes.count) == bytes) }
        try copy.write([2], at: 0)
        #expect(try FileDevice(path: folder.file("source"), access: .readOnly).bytes(at: 0, count: 1) == [1])
    }

    @Test func replacesOnlyWhenTold() throws {
        let folder = try TemporaryFolder()
        let (source, target) = (folder.file("source"), folder.file("target"))
        _ = try FileDevice.create(at: source, byteCount: 100)
        _ = try FileDevice.create(at: target, byteCount: 50)
        let error = #expect(throws: DeviceError.self) { try FileDevice.clone(from: source, to: target) }
        #expect(error?.reason == .unsuitable("there is a file of this name already"))
        #expect(try FileDevice(path: target, access: .readOnly).byteCount == 50)
        try FileDevice.clone(from: source, to: target, existingFile: .replace)
        #expect(try FileDevice(path: target, access: .readOnly).byteCount == 100)
        try FileDevice.clone(from: source, to: folder.file("new"), existingFile: .replace)
        #expect(try FileDevice(path: folder.file("new"), access: .readOnly).byteCount == 100)
    }

    @Test func refusesTargetsThatCannotBeReplaced() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source")
        _ = try FileDevice.create(at: source, byteCount: 100)
        for target in [source, folder.path, "/dev/null"] {
            let error = #expect(throws: DeviceError.self) {
                try FileDevice.clone(from: source, to: target, existingFile: .replace)
            }
            #expect(error?.operation == .copy)
            #expect(error?.device == target)
        }
    }

    @Test func refusesASourceThatIsBeingWritten() throws {
        let folder = try TemporaryFolder()
        let writer = try FileDevice.create(at: folder.file("source"), byteCount: 100)
        #expect(throws: DeviceError.self) {
            try FileDevice.clone(from: folder.file("source"), to: folder.file("copy"))
        }
        #expect(throws: DeviceError.self) { try FileDevice(path: folder.file("copy"), access: .readOnly) }
        try writer.flush()
    }
}
