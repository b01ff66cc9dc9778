/// What an item says, for people and for programs.
public struct ItemDescription: Equatable, Sendable {
    /// The values in order: integers, text, bytes, times, keys, lists and records.
    public var record: ItemRecord
    /// Why the item cannot be shown by its fields; its bytes are in `record` then.
    public var problem: FormatError?

    /// The description of an item that was decoded.
    public init(_ record: ItemRecord) { self.record = record }

    /// Describes an item of any type.
    ///
    /// - Parameters:
    ///   - checksum: how the volume checks its data, for EXTENT_CSUM items
    ///   - sectorSize: in bytes, for EXTENT_CSUM and FREE_SPACE_BITMAP items
    /// - Returns: for a type that is not known, and for an item that is damaged, the bytes.
    public static func describe(
        key: Key, data: RawSpan, checksum: ChecksumType = .crc32c, sectorSize: Int = 4096
    ) -> ItemDescription {
        let describer = ItemDescriber(key: key, checksum: checksum, sectorSize: UInt64(max(1, sectorSize)))
        do {
            if let record = try describer.record(data) { return ItemDescription(record) }
            return ItemDescription(bytes: data)
        } catch {
            return ItemDescription(bytes: data, problem: error.at(key: key))
        }
    }

    /// Describes an item by a layout; what follows the structure is shown as bytes named `data`.
    public init(_ layout: Layout, _ data: RawSpan) {
        do {
            record = try ItemRecord(layout, data)
            if data.byteCount > layout.byteCount {
                let rest = data.extracting(droppingFirst: layout.byteCount)
                record.append("data", .bytes(rest.copied))
            }
        } catch {
            self = ItemDescription(bytes: data, problem: error)
        }
    }

    private init(bytes: RawSpan, problem: FormatError? = nil) {
        self.problem = problem
        record = ItemRecord()
        record.append("bytes", .bytes(bytes.copied))
    }

    /// The description as lines of at most about 100 columns, without indentation of the first level.
    public var lines: [String] {
        var lines = problem.map { ["damaged: \($0)"] } ?? []
        Self.appendLines(of: record, indentation: "", to: &lines)
        return lines
    }

    /// Nesting comes from `ItemDescriber`, never from the disk: at most two levels.
    private static func appendLines(of record: ItemRecord, indentation: String, to lines: inout [String]) {
        var line = ""
        func flush() {
            if !line.isEmpty { lines.append(indentation + line) }
            line = ""
        }
        func append(_ inner: ItemRecord, titled title: String) {
            var innerLines: [String] = []
            appendLines(of: inner, indentation: "", to: &innerLines)
            lines.append(indentation + ([title] + innerLines.prefix(1)).joined(separator: " "))
            lines += innerLines.dropFirst().map { indentation + "  " + $0 }
        }
        for entry in record.entries {
            switch entry.value {
            case .record(let inner):
                flush()
                append(inner, titled: entry.name + ":")
            case .list(let values) where values.isEmpty || values.contains(where: \.isRecord):
                flush()
                for (index, value) in values.enumerated() {
                    if case .record(let inner) = value { append(inner, titled: "\(entry.name) \(index):") }
                }
            default:
                if isEmptyReserve(entry) { continue }
                let text = entry.name + " " + entry.value.text
                if !line.isEmpty && line.count + text.count > 96 { flush() }
                line += line.isEmpty ? text : " " + text
            }
        }
        flush()
    }

    /// Reserved fields are shown only where something stands in them.
    private static func isEmptyReserve(_ entry: ItemRecord.Entry) -> Bool {
        guard entry.name.hasPrefix("reserved") else { return false }
        switch entry.value {
        case .unsigned(0): return true
        case .bytes(let bytes): return bytes.allSatisfy { $0 == 0 }
        default: return false
        }
    }
}

extension ItemValue {
    fileprivate var isRecord: Bool {
        if case .record = self { true } else { false }
    }
}
