import BtrfsVolume
import TestSupport
import Testing

/// The map of mostly ascending numbers must behave like a dictionary, in whatever order its keys come.
@Suite struct AscendingMapTests {
    enum Order: CaseIterable {
        case ascending, descending, interleaved, random
    }

    @Test(arguments: Order.allCases, [1 as UInt64, 2])
    func behavesLikeADictionary(order: Order, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var map = AscendingMap()
        var model: [UInt64: UInt64] = [:]
        for step in 0..<4000 as Range<UInt64> {
            let key: UInt64
            switch order {
            case .ascending: key = step * 3
            case .descending: key = (4000 - step) * 3
            case .interleaved: key = step % 40 * 300 + step / 40 * 3
            case .random: key = UInt64.random(in: 0..<6000, using: &random)
            }
            for probe in [key, key + 1, UInt64.random(in: 0..<12_100, using: &random)] {
                #expect(map[probe] == model[probe], "seed \(seed) step \(step) key \(probe)")
            }
            map.put(key, step)
            model[key] = step
            if Int.random(in: 0..<8, using: &random) == 0, let again = model.keys.randomElement(using: &random) {
                map.put(again, step)
                model[again] = step
            }
        }
        for key in 0..<12_100 as Range<UInt64> { #expect(map[key] == model[key], "seed \(seed) key \(key)") }
    }
}
