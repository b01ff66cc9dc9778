internal import BtrfsFormat
internal import BtrfsVolume

// Numbers, times and names as people read them.

/// `512 B`, `4.0 KiB`, `1.5 GiB`.
func byteText(_ count: UInt64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    if count < 1024 { return "\(count) B" }
    var unit = 0
    var scale: UInt64 = 1024
    while unit + 1 < units.count, count / scale >= 1024 {
        unit += 1
        scale *= 1024
    }
    let tenths = count / scale * 10 + count % scale * 10 / scale
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
}

/// `1 file`, `2 files`.
func countText(_ count: Int, _ noun: String, plural: String? = nil) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}

/// A path of a subvolume or within one, with a slash in front.
func pathText(_ path: [UInt8]?) -> String {
    guard let path else { return "(no path)" }
    return "/" + EscapedBytes.text(path)
}

/// The path from the top level of a file with a path in a subvolume; its number where there is none.
func pathText(_ path: [UInt8]?, in subvolume: [UInt8]?, else inode: ObjectID) -> String {
    guard let path else { return "inode \(inode)" }
    guard let subvolume, !subvolume.isEmpty else { return pathText(path) }
    return path.isEmpty ? pathText(subvolume) : pathText(subvolume) + pathText(path)
}

extension InodeItem {
    /// `drwxr-xr-x`
    var modeText: String {
        let letters: [DirEntryType: String] = [
            .regularFile: "-", .directory: "d", .symlink: "l", .fifo: "p", .socket: "s", .characterDevice: "c",
            .blockDevice: "b",
        ]
        var text = letters[fileType] ?? "?"
        for shift in [UInt32(6), 3, 0] {
            let bits = mode >> shift & 7
            text += bits & 4 != 0 ? "r" : "-"
            text += bits & 2 != 0 ? "w" : "-"
            // Of the bits 11 to 9 (set-user-ID, set-group-ID, sticky) one belongs to each group.
            let isSpecial = mode & (1 << (9 + shift / 3)) != 0
            let mark = shift == 0 ? "t" : "s"
            text += isSpecial ? (bits & 1 != 0 ? mark : mark.uppercased()) : (bits & 1 != 0 ? "x" : "-")
        }
        return text
    }
}

extension Timestamp {
    /// `2026-08-22 17:45:01`, UTC.
    var text: String {
        let secondsPerDay: Int64 = 86400
        var day = seconds / secondsPerDay
        var second = seconds % secondsPerDay
        if second < 0 {
            second += secondsPerDay
            day -= 1
        }
        let (year, month, dayOfMonth) = Self.date(daysSince1970: day)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(dayOfMonth)) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
    }

    /// The Gregorian date. Years are counted from March, so that the leap day is the last of a year, in cycles of 400
    /// years, which have 146097 days each.
    private static func date(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let cycleDays: Int64 = 146_097
        let shifted = daysSince1970 + 719_468
        let cycle = (shifted >= 0 ? shifted : shifted - (cycleDays - 1)) / cycleDays
        let dayOfCycle = shifted - cycle * cycleDays
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
