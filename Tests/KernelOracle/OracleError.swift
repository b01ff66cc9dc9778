/// Why a judge could not give its verdict. A verdict that is not in treelog's favour
/// is a value, never an error.
public enum OracleError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed: what was tried, on what, and the text of the error.
    case system(call: String, subject: String, reason: String)
    /// A command could not be started or ended with a failure.
    case command(String, output: String)
    /// A command, a mount or a guest did not end in its time.
    case timeout(String)
    /// The judge cannot be used on this machine.
    case unavailable(String)
    /// What was asked for might harm the machine.
    case refused(String)
    /// A document is no JSON, or not of the form of a state document.
    case document(String)

    public var description: String {
        switch self {
        case .system(let call, let subject, let reason): "\(call) \(subject): \(reason)"
        case .command(let command, let output): "`\(command)` failed: \(output)"
        case .timeout(let what): "not done in time: \(what)"
        case .unavailable(let reason): "not available here: \(reason)"
        case .refused(let reason): "refused: \(reason)"
        case .document(let reason): "not a state document: \(reason)"
        }
    }
}
