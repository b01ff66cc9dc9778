import ArgumentParser
import HostileImages
import TestSupport

/// Runs hostile cases for as long as wanted: `Scripts/fuzz` calls it.
struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "treelog-fuzz", abstract: "Replays images of the corpus that were changed at random.",
        discussion: "Each case is an image and a seed; both are printed before the case runs.")

    @Option(help: "Images of Tests/Fixtures, separated by commas.")
    var images = "all"
    @Option(help: "The first seed.")
    var seed: UInt64 = 1
    @Option(help: "How many cases.")
    var count = Int.max
    @Option(help: "How many seconds.")
    var seconds = 1_000_000
    @Option(help: "Seconds after which a case counts as hanging.")
    var caseSeconds: UInt32 = 20
    @Flag(help: "Do not name each case.")
    var quiet = false
    @Flag(help: "Let btrfs check say whether space is accounted for after each replay of a changed log; slow.")
    var check = false
    @Option(help: "Write the changed devices of the first case to files of this name, and replay nothing.")
    var write: String?

    func run() throws {
        let all = Corpus.all
        let chosen =
            images == "all" ? all : try images.split(separator: ",").map { try Corpus.image(named: String($0)) }
        let matter = try chosen.map { try HostileImage($0) }
        if let write { return try writeCase(of: matter[0], to: write) }
        var campaign = Campaign(
            images: matter, seed: seed, count: count, duration: .seconds(seconds),
            secondsPerCase: caseSeconds, announce: { [quiet] in if !quiet { ProcessStatus.say($0) } })
        if check { campaign.lookAt = SpaceCheck.run }
        let result = campaign.run()
        ProcessStatus.say("# \(result.caseCount) cases, \(result.findings.count) findings")
        ProcessStatus.say("# ends: \(result.ends.map { "\($0.key.rawValue) \($0.value)" }.sorted())")
        ProcessStatus.say("# committed: \(result.committedCount), messages without a place: \(result.placelessCount)")
        ProcessStatus.say("# slowest: \(result.slowest.name), \(result.slowest.time)")
        let (hungriest, growth) = result.hungriest
        ProcessStatus.say("# peak memory: \(result.peakByteCount >> 20) MiB, \(growth >> 20) of it by \(hungriest)")
        for sample in result.placelessSamples { ProcessStatus.say("# placeless: \(sample)") }
        for finding in result.findings { ProcessStatus.say("FINDING \(finding)") }
        if !result.findings.isEmpty { throw ExitCode.failure }
    }

    private func writeCase(of image: HostileImage, to path: String) throws {
        let (devices, target, _) = try HostileCase(image, seed: seed).make()
        for (index, device) in devices.enumerated() { try device.writeImage(to: "\(path).\(index)") }
        ProcessStatus.say("\(image.name) \(seed): \(target) changed, \(devices.count) files")
    }
}

Fuzz.main()
