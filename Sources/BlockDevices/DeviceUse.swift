// Who else uses a device. Writing below a mounted file system destroys it, and an image file that backs a
// loop device is below one as soon as somebody mounts that.

/// The first mount of a block device in this process's view, nil when there is none.
func mountPoint(ofDevice number: UInt64) -> String? {
    for line in lines(of: "/proc/self/mounts") {
        let fields = line.split(separator: " ")
        guard fields.count > 1, fields[0].first == "/",
            let status = try? FileStatus(path: unescapedMountField(fields[0])),
            status.kind == .blockDevice, status.deviceNumber == number
        else { continue }
        return unescapedMountField(fields[1])
    }
    return nil
}

/// The loop device, as a path, which an image file backs, nil when there is none.
func loopDevice(backedBy identity: FileStatus.Identity) -> String? {
    // major, minor, size and name of each block device
    for line in lines(of: "/proc/partitions") {
        guard let name = line.split(separator: " ").last, name.hasPrefix("loop"),
            let backing = lines(of: "/sys/block/\(name)/loop/backing_file").first,
            let status = try? FileStatus(path: String(backing)), status.identity == identity
        else { continue }
        return "/dev/\(name)"
    }
    return nil
}

/// Why a block device is busy, and what to do.
func explanation(ofBusyDevice path: String, number: UInt64) -> String {
    if let place = mountPoint(ofDevice: number) {
        return "it is mounted at \(place); unmount it first: umount \(place)"
    }
    return "it is mounted or otherwise in use; unmount what is on it first"
}

/// Why an image file that backs a loop device cannot be written, and what to do.
func explanation(ofImageBacking loop: String) -> String {
    if let status = try? FileStatus(path: loop), let place = mountPoint(ofDevice: status.deviceNumber) {
        return "it is mounted at \(place) through \(loop); first: umount \(place) && losetup -d \(loop)"
    }
    return "it backs the loop device \(loop); detach that first: losetup -d \(loop)"
}

private func lines(of path: String) -> [Substring] {
    let bytes = (try? File.contents(of: path)) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
}

/// Blanks and the like stand as a backslash and three octal digits in `/proc/self/mounts`.
package func unescapedMountField(_ field: Substring) -> String {
    let bytes = Array(field.utf8)
    var result: [UInt8] = []
    var position = 0
    while position < bytes.count {
        if bytes[position] == UInt8(ascii: "\\"), position + 4 <= bytes.count,
            let byte = UInt8(String(decoding: bytes[position + 1..<position + 4], as: UTF8.self), radix: 8)
        {
            result.append(byte)
            position += 4
        } else {
            result.append(bytes[position])
            position += 1
        }
    }
    return String(decoding: result, as: UTF8.self)
}
