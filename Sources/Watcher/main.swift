import CLinux
import Glibc
import IPC
import Linux

_ = cl_set_name("sidecar-watcher")
guard Arguments.all.first == Role.watcher.name else {
    ChildLog.write(.error, "this program is started by routing-sidecar; run that instead")
    exit(ExitCode.configuration.rawValue)
}
// The control channel is descriptor 3 of every child (see Supervisor/ChildProcess.swift).
WatcherProcess.run(control: 3)
