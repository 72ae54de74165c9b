import CLinux
import Glibc
import Linux

/// How an attack ended for one twin.
enum Outcome: Equatable {
    /// It went through.
    case through
    /// The call failed.
    case failed(Int32)
    /// The twin died of SIGSYS; a trapped call it has reported.
    case killed(reported: UInt32?)
    /// The twin died otherwise.
    case died(signal: Int32)
    /// The twin could not get ready for the attack: what the attack needs can't exist there.
    case unprepared(Int32)
    /// The twin did not run, or said nothing.
    case broken(String)

    /// The attack did not go through, for whatever reason.
    var isDenied: Bool {
        switch self {
        case .failed, .killed, .died, .unprepared: true
        case .through, .broken: false
        }
    }

    /// Reads it from what the twin said and how it ended.
    init(said: String, death: cl_death?, reported: UInt32?) {
        guard let death else {
            self = .broken("it gave no answer within ten seconds")
            return
        }
        if death.code != 1 {
            self = death.status == SIGSYS ? .killed(reported: reported) : .died(signal: death.status)
            return
        }
        for line in said.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = Int32(words[1]) else { continue }
            if words[0] == "result" {
                self = number == 0 ? .through : .failed(number)
                return
            }
            if words[0] == "unprepared" {
                self = .unprepared(number)
                return
            }
        }
        self = .broken("it ended with code \(death.status) and said \(said.prefix(200))")
    }
}

/// How an attack ended for twins behind different walls. What a run was not possible for is nil.
struct Trials {
    /// All walls.
    var full: Outcome
    /// The user and the role's filter.
    var filterOnly: Outcome?
    /// The user and Landlock.
    var landlockOnly: Outcome?
    /// The user alone.
    var identity: Outcome?
    /// Root, where the house is started as root.
    var nothing: Outcome?
    /// It is the supervisor who attacked.
    var isSupervisor = false
    /// What the kernel's own refusals are called: a container's filter can't be told from the kernel.
    var kernel = "kernel"

    /// Which wall answers, and which would if that one were not there.
    func deniedBy(_ attack: Attack) -> (wall: String, behind: String) {
        let identityDenies = identity?.isDenied == true
        let landlockDenies = landlockOnly?.isDenied == true && identity == .through
        let floor = floorName(attack)
        let behind = [landlockDenies ? "Landlock" : nil, identityDenies ? floor : nil].compactMap { $0 }.joined(
            separator: ", ")
        switch full {
        case .killed(let reported):
            return (reported == nil ? "seccomp kill" : "seccomp report", behind)
        case .died(let signal): return ("kernel (signal \(signal))", behind)
        case .unprepared(let error): return ("\(floor) (\(Errno(error)), while it got ready)", "")
        case .failed(let error):
            if isSupervisor {
                // Its filter is asked before the kernel is, and the rules say what it refuses.
                let refused = !attack.isDeclared(for: .supervisor)
                return ((refused ? "seccomp errno" : kernel) + suffix(error), "")
            }
            if identityDenies { return (floor + suffix(error), "") }
            if landlockDenies && filterOnly?.isDenied != true { return ("Landlock" + suffix(error), "") }
            return ("seccomp errno" + suffix(error), landlockDenies ? "Landlock" : "")
        case .through, .broken: return ("", "")
        }
    }

    private func suffix(_ error: Int32) -> String { " (\(Errno(error)))" }

    /// What denies it without any wall of ours.
    private func floorName(_ attack: Attack) -> String {
        if attack.isAboutOthers { return "DAC/uid" }
        return nothing == .through ? "DAC/uid" : kernel
    }
}

/// One attack by one process.
public struct ProbeRow: Sendable, Equatable {
    /// Who attacked.
    public var process: String
    /// The attack's name.
    public var attack: String
    /// The attack in words.
    public var words: String
    /// `denied`, `ALLOWED`, `no answer`.
    public var result: String
    /// Which wall answered.
    public var deniedBy: String
    /// Which walls would have answered if that one weren't there.
    public var behind: String
    /// The rights hold it.
    public var declared: Bool
    /// `wider` = it went through and isn't declared.
    public var verdict: Verdict
    /// What it means.
    public var note: String
}
