import CLinux
import Glibc
import IPC
import Linux

_ = cl_set_name("sidecar-kv-agent")
guard Arguments.all.first == Role.kvAgent.name else {
    ChildLog.write(.error, "this program is started by routing-sidecar; run that instead")
    exit(ExitCode.configuration.rawValue)
}
do {
    // The control channel is descriptor 3 of every child (see Supervisor/ChildProcess.swift).
    try KVAgentProcess(control: 3).run()
} catch {
    ChildLog.write(.error, "the KV agent ends: setting up failed: \(error)")
    exit(ExitCode.internalError.rawValue)
}
