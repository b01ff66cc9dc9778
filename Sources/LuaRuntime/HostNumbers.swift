internal import CLuaHost

// What C has as numbers.

extension lh_limits {
    init(_ limits: LuaLimits, _ randomSeed: UInt64?) {
        self.init(
            memory_bytes: max(0, limits.memoryBytes), string_bytes: max(64, limits.stringBytes),
            source_bytes: max(0, limits.sourceBytes), subject_bytes: max(0, limits.patternSubjectBytes),
            pattern_steps: max(1, limits.patternSteps),
            call_instructions: max(1, limits.instructionsPerCall),
            total_instructions: max(0, limits.instructionsInTotal),
            output_bytes: Int64(max(0, limits.outputBytes)),
            call_depth: Int32(clamping: max(1, limits.callDepth)),
            host_depth: Int32(clamping: max(1, limits.hostDepth)),
            tree_depth: Int32(clamping: min(max(0, limits.treeDepth), 100)),
            tree_entries: Int32(clamping: max(1, limits.treeEntries)),
            has_random: randomSeed != nil, random_seed: randomSeed ?? 0)
    }
}

extension LuaError.Kind {
    init(_ status: lh_status) {
        self =
            switch status {
            case LH_SYNTAX: .syntax
            case LH_HOST: .host
            case LH_MEMORY: .memory
            case LH_INSTRUCTIONS: .instructions
            case LH_TOTAL: .totalInstructions
            case LH_OUTPUT: .output
            case LH_PATTERN: .pattern
            case LH_DEPTH: .depth
            case LH_INTERRUPTED: .interrupted
            default: .runtime
            }
    }
}

extension LuaField {
    /// What it is, at which place, and how wide, as C has it.
    var encoded: (lh_field, place: Int, width: Int) {
        switch self {
        case .unsigned(let place, let width): (LH_FIELD_UNSIGNED, place, width)
        case .signed(let place, let width): (LH_FIELD_SIGNED, place, width)
        case .header(let place): (LH_FIELD_HEADER, place, 0)
        case .byteCount: (LH_FIELD_COUNT, 0, 0)
        case .bytes(let place, let count): (LH_FIELD_BYTES, place, count)
        case .tail(let place): (LH_FIELD_TAIL, place, 0)
        case .computed(let number): (LH_FIELD_COMPUTED, number, 0)
        }
    }
}
