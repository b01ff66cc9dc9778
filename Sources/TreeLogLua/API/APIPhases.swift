// When the names of the API can be used, in words. What most functions of a class have in common is said once.

extension APIClass {
    /// When most of its functions can be called, where that is not everywhere; nil where they have less in common.
    private var usualPhases: Set<ScriptPhase>? {
        let all = entries.filter(\.isCalled).map(\.phases)
        return all.first { phases in
            !phases.isSuperset(of: ScriptPhase.running) && all.count > 1 && 2 * all.count { $0 == phases } > all.count
        }
    }

    /// What it is, and when its functions can be called if nothing else is said of one.
    var describedDoc: String {
        guard let usualPhases else { return doc }
        return "\(doc) Its functions can be called only \(ScriptPhase.text(of: usualPhases))."
    }

    /// When a function can be called, as a sentence; nil where it is as usual.
    func phases(of entry: APIEntry) -> String? {
        if entry.phases == usualPhases { return nil }
        if entry.phases.isSuperset(of: ScriptPhase.running) { return usualPhases == nil ? nil : "Everywhere." }
        return "Only \(ScriptPhase.text(of: entry.phases))."
    }
}

extension APIEntry {
    fileprivate var isCalled: Bool { if case .field = kind { false } else { true } }
}

extension ScriptPhase {
    fileprivate static func text(of phases: Set<ScriptPhase>) -> String {
        allCases.filter { phases.contains($0) }.map(\.text).joined(separator: ", ")
    }
}
