internal import BtrfsFormat

/// Compares two long lists of facts that stand in different orders, such as the references that the extent tree
/// lists and those that trees hold, without keeping them.
///
/// Each fact of the one list is added, each of the other taken away, as a number made from all it says, in one of
/// many sums. Where all sums end at zero the lists are the same. Where one does not, a second reading keeps the facts
/// of just that sum, and so finds those that have no counterpart.
struct FactLedger<Fact: LedgerFact> {
    /// A fact that the lists have in different numbers.
    struct Disagreement {
        var fact: Fact
        /// How often the first list has it more than the second; below zero the other way round.
        var surplus: Int
        /// Where it stands.
        var place: CheckPlace
        var name: [UInt8]
    }

    private static var bucketBits: Int { 12 }
    private var sums = [UInt64](repeating: 0, count: 1 << bucketBits)
    private var collected: [Fact: (surplus: Int, place: CheckPlace, name: [UInt8])] = [:]
    private(set) var isCollecting = false

    /// Whether both lists were the same.
    var isBalanced: Bool { sums.allSatisfy { $0 == 0 } }

    /// Counts a fact `count` times for the first list, or with a negative count for the second.
    @inline(__always)
    mutating func count(
        _ fact: Fact, _ count: Int, at place: @autoclosure () -> CheckPlace,
        name: @autoclosure () -> [UInt8] = []
    ) {
        let digest = fact.digest
        let bucket = Int(truncatingIfNeeded: digest >> UInt64(64 - Self.bucketBits))
        if isCollecting {
            if sums[bucket] != 0 { collect(fact, count, place(), name()) }
        } else {
            sums[bucket] = sums[bucket] &+ (digest | 1) &* UInt64(bitPattern: Int64(count))
        }
    }

    private mutating func collect(_ fact: Fact, _ count: Int, _ place: CheckPlace, _ name: [UInt8]) {
        let old = collected[fact]
        let surplus = (old?.surplus ?? 0) &+ count
        if surplus == 0 {
            collected[fact] = nil
        } else {
            collected[fact] = (surplus, old?.place ?? place, old?.name ?? name)
        }
    }

    /// From here on the lists are read a second time.
    mutating func collectDisagreements() { isCollecting = true }

    /// The facts without counterpart, after the second reading.
    var disagreements: [Disagreement] {
        collected.map { fact, found in
            Disagreement(fact: fact, surplus: found.surplus, place: found.place, name: found.name)
        }
        .sorted { $0.fact.digest < $1.fact.digest }
    }
}

/// Something that a `FactLedger` compares.
protocol LedgerFact: Hashable {
    /// A number that depends on all the fact says.
    var digest: UInt64 { get }
}

/// Makes one number of many, so that any change of one of them changes it.
struct Digest {
    private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

    @inline(__always)
    mutating func add(_ number: UInt64) {
        let product = (value ^ number).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        value = (product.high ^ product.low) &+ 0xa076_1d64_78bd_642f
    }

    /// The digest of bytes, a name for one.
    static func of(_ bytes: RawSpan) -> UInt64 {
        var digest = Digest()
        var position = 0
        digest.add(UInt64(bytes.byteCount))
        while position < bytes.byteCount {
            if let word = try? bytes.u64(at: position) {
                digest.add(word)
                position += 8
            } else {
                digest.add(UInt64((try? bytes.u8(at: position)) ?? 0))
                position += 1
            }
        }
        return digest.value
    }
}
