import Admin
import CLinux
import Glibc
import IPC
import Linux

// The control channel is descriptor 3 of every child (see Supervisor/ChildProcess.swift).
let controlChannel: Int32 = 3

switch Arguments.all.first {
case "proxy":
    _ = cl_set_name("sidecar-proxy")
    ProxyProcess(control: controlChannel).run()
case "admin":
    _ = cl_set_name("sidecar-admin")
    AdminProcess(control: controlChannel).run()
default:
    ChildLog.write(.error, "this program is started by routing-sidecar; run that instead")
    exit(ExitCode.configuration.rawValue)
}
