public import BtrfsFormat

/// An item out of its leaf.
public struct LooseItem {
    public var key: Key
    public var data: [UInt8]

    public init(key: Key, data: [UInt8]) {
        self.key = key
        self.data = data
    }
}

/// Changes of items after which a leaf made of them is still one: what is wrong then is what they say.
struct ItemMutation {
    let values: ValuePool
    let generation: Generation
    let maximumByteCount: Int

    /// Makes one change.
    func apply(to items: inout [LooseItem], _ generator: inout SeededRandom) {
        guard let slot = items.indices.randomElement(using: &generator) else { return }
        switch Int.random(in: 0..<15, using: &generator) {
        case 0...4: changeField(of: &items[slot], &generator)
        case 5: items[slot].key = values.key(insteadOf: items[slot].key, &generator)
        case 6:
            var copy = items[slot]
            copy.key = values.key(insteadOf: copy.key, &generator)
            items.append(copy)
        case 7: items.remove(at: slot)
        case 8: swapData(slot, in: &items, &generator)
        case 9: resize(&items[slot], &generator)
        case 10: joinEntries(slot, in: &items, &generator)
        case 11: renumber(items[slot].key.objectID, in: &items, &generator)
        case 12: items.append(directoryRange(like: items[slot].key, &generator))
        case 13: addName(near: items[slot].key, to: &items, &generator)
        default: items[slot].data.flipBit(&generator, from: 0)
        }
        if Int.random(in: 0..<4, using: &generator) > 0 { for index in items.indices { fixHash(of: &items[index]) } }
    }

    private func changeField(of item: inout LooseItem, _ generator: inout SeededRandom) {
        guard let place = ItemFields.places(in: item.data,
            of: item.key).randomElement(using: &generator) else { return }
        let old = item.data.integer(at: place.offset, width: place.width)
        item.data.store(values.value(insteadOf: old, &generator), width: place.width, at: place.offset)
    }

    private func swapData(_ slot: Int, in items: inout [LooseItem], _ generator: inout SeededRandom) {
        let same = items.indices.filter { items[$0].key.type == items[slot].key.type }
        guard let other = same.randomElement(using: &generator), other != slot else { return }
        (items[slot].data, items[other].data) = (items[other].data, items[slot].data)
    }

    private func resize(_ item: inout LooseItem, _ generator: inout SeededRandom) {
        let sizes = [0, 1, item.data.count - 1, item.data.count + 1, item.data.count / 2, item.data.count * 2,
                     maximumByteCount]
        let size = min(max(sizes.randomElement(using: &generator) ?? 0, 0), maximumByteCount)
        if size <= item.data.count {
            item.data.removeLast(item.data.count - size)
        } else {
            item.data += [UInt8](repeating: UInt8.random(in: 0...255, using: &generator), count: size - item.data.count)
        }
    }

    /// Puts the entries of another item of the same type behind those of this one.
    private func joinEntries(_ slot: Int, in items: inout [LooseItem], _ generator: inout SeededRandom) {
        let same = items.indices.filter { items[$0].key.type == items[slot].key.type }
        guard let other = same.randomElement(using: &generator) else { return }
        let joined = items[slot].data + items[other].data
        if joined.count <= maximumByteCount { items[slot].data = joined }
    }

    /// Gives all items of an inode, in keys and as targets of names, another number.
    private func renumber(_ old: ObjectID, in items: inout [LooseItem], _ generator: inout SeededRandom) {
        let new = ObjectID(values.value(insteadOf: old.rawValue, &generator))
        for index in items.indices {
            if items[index].key.objectID == old { items[index].key.objectID = new }
            if items[index].key.type == .inodeRef, items[index].key.offset == old.rawValue {
                items[index].key.offset = new.rawValue
            }
            let isName = items[index].key.type == .dirIndex || items[index].key.type == .dirItem
            if isName, items[index].data.integer(at: 0, width: 8) == old.rawValue {
                items[index].data.store(new.rawValue, width: 8, at: 0)
            }
        }
    }

    private func directoryRange(like key: Key, _ generator: inout SeededRandom) -> LooseItem {
        let start = Bool.random(using: &generator) ? 0 : values.value(insteadOf: key.offset, &generator)
        let end = Bool.random(using: &generator) ? UInt64.max : values.value(insteadOf: start, &generator)
        var data = [UInt8](repeating: 0, count: 8)
        data.store(end, width: 8, at: 0)
        return LooseItem(key: Key(key.objectID, .dirLogIndex, start), data: data)
    }

    /// A name that fits together, of any inode in any directory: one that the log has, or a new one.
    private func addName(near key: Key, to items: inout [LooseItem], _ generator: inout SeededRandom) {
        var names: [[UInt8]] = [Array("x".utf8), Array("..".utf8), [0x2f], [0], [UInt8](repeating: 0x61, count: 255)]
        for item in items where item.key.type == .inodeRef && item.data.count > 10 {
            names.append(Array(item.data[10...].prefix(255)))
        }
        let inodes = items.map(\.key.objectID)
        guard let name = names.randomElement(using: &generator),
            let directory = inodes.randomElement(using: &generator),
            let inode = inodes.randomElement(using: &generator)
        else { return }
        let index = values.value(insteadOf: 2, &generator)
        if Bool.random(using: &generator) {
            let types: [DirEntryType] = [.regularFile, .directory, .symlink]
            let entry = DirEntries.entry(
                location: Key(inode, .inodeItem, 0), transid: generation,
                type: types.randomElement(using: &generator) ?? .regularFile, name: name.rawSpan)
            items.append(LooseItem(key: Key(directory, .dirIndex, index), data: entry))
        } else if Bool.random(using: &generator) {
            let entry = InodeRefs.entry(index: index, name: name.rawSpan)
            items.append(LooseItem(key: Key(inode, .inodeRef, directory.rawValue), data: entry))
        } else {
            let entry = InodeExtrefs.entry(parent: directory, index: index, name: name.rawSpan)
            let hash = NameHash.extref(parent: directory, name.rawSpan)
            items.append(LooseItem(key: Key(inode, .inodeExtref, hash), data: entry))
        }
    }

    /// Makes the key say the hash of the name, without which the item is refused at once.
    private func fixHash(of item: inout LooseItem) {
        guard item.key.type == .xattrItem || item.key.type == .dirItem else { return }
        let data = item.data
        var entries = DirEntries(data.rawSpan)
        guard let entry = try? entries.next() else { return }
        item.key.offset = UInt64(NameHash.name(entry.name))
    }
}
