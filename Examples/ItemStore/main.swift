// A journaled store of items in under 60 lines: temperatures by day, each put durable with one write of the log.
//
//     swift run item-store

import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TreeLog

// A type of items of one's own. Linux carries them along, but for those in a log, which treelog has to replay; for that
// it needs no plugin.
let temperature = KeyType(97)
var options = MountOptions()
try options.registry.itemTypes.register(
    .custom(name: "TEMPERATURE", keyType: temperature, summary: "Tenths of a degree, by day."))

func encode(_ value: Int16) -> [UInt8] { [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
func decode(_ data: [UInt8]) -> Int16 { data.reversed().reduce(0) { $0 << 8 | Int16($1) } }

// A new volume, here in memory: `FileDevice.create(at:byteCount:)` makes one in a file.
let disk = MemoryDevice(byteCount: 64 << 20)
try Volume.create(on: disk)

do {
    let store = try FileSystem(mounting: [disk], options)
    try store.create("/berlin")
    try store.sync()

    for day in 1...5 as ClosedRange<UInt64> {
        try store.putItem("/berlin", temperature, at: day, encode(Int16(day) * 11))
        // Durable from here on, without a commit of the whole volume.
        print("day \(day): \(try store.fsync("/berlin"))")
    }
    try store.deleteItem("/berlin", temperature, at: 3)
    print("day 3 deleted: \(try store.fsync("/berlin"))")
    try store.putItem("/berlin", temperature, at: 6, encode(99))
    // The power fails: nobody unmounts, and day 6 was not made durable.
}

// Mounting again replays the log.
let store = try FileSystem(mounting: [disk], options)
for item in try store.items("/berlin", of: temperature, in: 2...6) {
    print("day \(item.key.offset): \(decode(item.data))")
}
try store.unmount()
