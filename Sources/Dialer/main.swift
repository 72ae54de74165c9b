import CLinux
import Glibc
import IPC
import Linux

_ = cl_set_name("sidecar-dialer")
guard Arguments.all.first == "dialer" else {
    ChildLog.write(.error, "this program is started by routing-sidecar; run that instead")
    exit(ExitCode.configuration.rawValue)
}
do {
    // The control channel is descriptor 3 of every child (see Supervisor/ChildProcess.swift).
    try DialerProcess(control: 3).run()
} catch {
    ChildLog.write(.error, "the dialer ends: setting up failed: \(error)")
    exit(ExitCode.resource.rawValue)
}
