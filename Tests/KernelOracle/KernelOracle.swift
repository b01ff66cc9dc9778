/// The judges that hold treelog against the kernel.
///
/// ``HostKernel`` mounts natively, ``UserModeLinux`` in one process, ``BtrfsCheck`` looks at
/// the structure, ``MountedState`` tells what a mounted volume holds, ``StateComparison`` compares.
/// A judge that is not available says why; a test that needs it must be seen to be skipped.
public enum KernelOracle {
    public enum Judge: Sendable, CaseIterable {
        case hostKernel, btrfsCheck, userModeLinux
    }

    /// Why some of these judges cannot be used on this machine; nil when all can.
    public static func skipReason(_ judges: Judge...) -> String? {
        let reasons = judges.compactMap { judge in
            switch judge {
            case .hostKernel: HostKernel.skipReason.map { "the host kernel: \($0)" }
            case .btrfsCheck: BtrfsCheck.skipReason.map { "btrfs check: \($0)" }
            case .userModeLinux: UserModeLinux.skipReason.map { "User Mode Linux: \($0)" }
            }
        }
        return reasons.isEmpty ? nil : "SKIPPED, not judged by " + reasons.joined(separator: ", nor by ")
    }
}
