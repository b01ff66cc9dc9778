import LuaRuntime
import Testing

extension LuaVM {
    /// Runs a text as a chunk.
    @discardableResult
    func run(_ text: String, name: String = "test.lua") throws(LuaError) -> LuaValue {
        try call(try load([UInt8](text.utf8), name: name))
    }

    /// The function that a text returns.
    func function(_ text: String, name: String = "test.lua") throws -> LuaReference {
        try #require(try run(text, name: name).function)
    }
}

extension LuaLimits {
    /// Small ones, so that scripts run into them soon.
    static var small: LuaLimits {
        var limits = LuaLimits()
        limits.memoryBytes = 8 << 20
        limits.instructionsPerCall = 2_000_000
        limits.patternSteps = 200_000
        return limits
    }
}

extension [UInt8] {
    var rawSpan: RawSpan { RawSpan(_elements: span) }
}

/// The error of a script, which must fail.
func failure(of text: String, in machine: LuaVM) throws -> LuaError {
    try #require(throws: LuaError.self) { try machine.run(text) }
}

struct Failure: Error, Equatable { let number: Int }

/// Counts the frames of Swift functions that were entered and left.
final class Frames {
    var entered = 0
    var deferred = 0
    var ended = 0

    final class Witness {
        let frames: Frames
        init(_ frames: Frames) {
            self.frames = frames
            frames.entered += 1
        }
        deinit { frames.ended += 1 }
    }
}
