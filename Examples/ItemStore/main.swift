// A journaled store of items in under 60 lines: temperatures by day, under an object for each town.
//
//     swift run item-store items.img        makes the store, or opens it: run it twice

import BlockDevices
import BtrfsFormat
import BtrfsVolume
import Glibc
import TreeLog

// A type of items of one's own. Linux carries them along, but for those in a log, which treelog has to replay.
let temperature = KeyType(97)

func encode(_ value: Int16) -> [UInt8] { [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
func decode(_ data: [UInt8]) -> Int16 { data.reversed().reduce(0) { $0 << 8 | Int16($1) } }

func openOrCreate(_ path: String) throws -> FileDevice {
    do {
        let file = try FileDevice.create(at: path, byteCount: 64 << 20)
        try Volume.create(on: file)
        return file
    } catch let error as DeviceError where error.isExistingFile {
        return try FileDevice(path: path, access: .readWrite)
    }
}

/// Opens the store. What was durable when the power failed is there: mounting replays the log.
func openStore() throws -> FileSystem {
    var options = MountOptions()
    try options.registry.itemTypes.register(.custom(name: "TEMPERATURE", keyType: temperature, summary: "By day."))
    return try FileSystem(mounting: [openOrCreate(CommandLine.arguments.dropFirst().first ?? "items.img")], options)
}

do {
    do {
        let store = try openStore()
        if try !store.exists("/berlin") { try store.create("/berlin") }
        let day = (try store.items("/berlin", of: temperature).last?.key.offset ?? 0) + 1
        // A transaction on an object: after the fsync all of it is durable, a power cut before leaves nothing of it.
        for day in day..<day + 5 { try store.putItem("/berlin", temperature, at: day, encode(Int16(day) * 11)) }
        try store.deleteItem("/berlin", temperature, at: day + 2)
        print("days \(day) to \(day + 4), but for one: \(try store.fsync("/berlin"))")
        // One item more takes a write of the log too, and no commit of the whole volume.
        try store.putItem("/berlin", temperature, at: day + 5, encode(-40))
        print("day \(day + 5): \(try store.fsync("/berlin"))")
        // The power fails: nobody unmounts, and the last transaction is given up.
        try store.putItem("/berlin", temperature, at: day + 6, encode(99))
    }

    let store = try openStore()
    for item in try store.items("/berlin", of: temperature, in: 2...6) {
        print("day \(item.key.offset): \(decode(item.data))")
    }
    print("day 1: \(decode(try store.getItem("/berlin", temperature, at: 1)))")
    try store.unmount()
} catch {
    print("item-store: \(error)")
    exit(1)
}
