import CLinux
import CProbe
import Glibc
import IPC
import Linux
import Sandbox

// The sacrificial twin of `routing-sidecar audit --probe`: started like a process of the sidecar, behind the same walls, it
// makes one attack and says what came of it. The first argument is its role, as for any child.
//
//   routing-sidecar-probe ROLE wait|filter|open ATTACK NAME=TARGET...

func say(_ text: String) {
    var bytes = Array(text.utf8)
    bytes.append(10)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}

let words = Arguments.all
// What the attack "exec" starts.
if words.first == "executed" {
    say("result 0")
    _exit(0)
}
guard words.count >= 3, let role = Role(name: words[0]) else {
    say("this program is started by routing-sidecar audit --probe; run that instead")
    exit(ExitCode.configuration.rawValue)
}

/// A target for C, which keeps it for the life of this process.
func target(_ name: String) -> UnsafePointer<CChar>? {
    guard let word = words.first(where: { $0.hasPrefix("\(name)=") }) else { return UnsafePointer(strdup("")) }
    return UnsafePointer(strdup(String(word.dropFirst(name.utf8.count + 1))))
}

let victim = words.first { $0.hasPrefix("victim=") }.flatMap { Int32($0.dropFirst(7)) } ?? 0
var targets = cprobe_targets(
    victim: victim, listener: 4, token: target("token"), folder: target("folder"), program: target("program"),
    abstract: target("abstract"), api: target("api"), metadata: target("metadata"), outside: target("outside"))
let attack = words[2]

let prepared = words[1] == "wait" ? 0 : cprobe_prepare(attack, &targets)
// The supervisor has no walls of its own but the filter that it, and so this process, was started with.
_ = cl_set_undumpable()
if words[1] != "open" && role != .supervisor { Walls.close(role, channel: 3) }
if words[1] == "wait" {
    say("waiting")
    // The other end closes when the probe is done.
    var byte: UInt8 = 0
    _ = read(3, &byte, 1)
    _exit(0)
}
if prepared < 0 {
    say("unprepared \(-prepared)")
    _exit(0)
}
say("attacking")
say("result \(-cprobe_attack(attack, &targets))")
_exit(0)
