/// What stays the same over all runs of a replay.
struct ReplaySetup {
    let registry: Registry
    let policy: ResolvedPolicy
    let dispatch: DispatchTable
    let options: ReplayOptions
    let pin: any ProcessFunction
    let replay: any ProcessFunction

    init(_ registry: Registry, policy: String, _ options: ReplayOptions) throws(LogError) {
        self.registry = registry
        self.options = options
        self.policy = try ResolvedPolicy(policy, in: registry)
        dispatch = DispatchTable(registry.itemTypes)
        guard let pin = registry.processFunctions["pin"] else { throw LogError(.unknownName("pin")) }
        guard let replay = registry.processFunctions["replay"] else { throw LogError(.unknownName("replay")) }
        self.pin = pin
        self.replay = replay
    }
}
