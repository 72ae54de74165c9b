import CLinux
import Configuration
import Glibc
import IPC
import Linux

// Signals are blocked before anything else happens, so that no thread can ever take one by its default action.
cl_block_signals()

func printLine(_ text: String, to fd: Int32 = 1) {
    let bytes = Array((text + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
        let n = bytes.withUnsafeBytes { write(fd, $0.baseAddress! + sent, $0.count - sent) }
        if n <= 0 { return }
        sent += n
    }
}

func environmentVariables() -> [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let pair = String(cString: text)
        if let equals = pair.firstIndex(of: "=") {
            result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        entry += 1
    }
    return result
}

func finish(_ code: ExitCode) -> Never { exit(code.rawValue) }

func serve(_ invocation: Invocation, _ environment: [String: String]) -> ExitCode {
    _ = cl_set_undumpable()
    guard let directory = Files.executableDirectory() else {
        printLine("routing-sidecar: /proc/self/exe can't be read, so its sibling programs can't be found", to: 2)
        return .resource
    }
    let configuration = ChildConfiguration(settings: invocation.settings, environment: environment)
    let sandboxing: Sandboxing
    do throws(Sandboxing.Missing) {
        sandboxing = try Sandboxing(invocation.settings, directory: directory)
    } catch {
        printLine("routing-sidecar: not started, because a required wall is missing: \(error.text)", to: 2)
        return .missingSandbox
    }
    let supervisor: Supervisor
    do throws(Errno) {
        supervisor = try Supervisor(configuration, directory: directory, sandboxing: sandboxing)
    } catch {
        printLine("routing-sidecar: can't start: \(error)", to: 2)
        return .resource
    }
    for note in invocation.notes { supervisor.log.write(.warning, note) }
    for (listener, flag, port) in [
        (supervisor.listener, "--port", invocation.settings.port),
        (supervisor.adminListener, "--admin-port", invocation.settings.adminPort),
    ] {
        guard let listener else { continue }
        do throws(Errno) {
            try listener.bind()
        } catch {
            let hint = error.number == EADDRINUSE ? "another process listens there" : "\(error)"
            supervisor.log.write(.error, "port \(port) can't be bound: \(hint); choose another one with \(flag)")
            return .portInUse
        }
    }
    if let missing = missingKubernetesFile(configuration) {
        supervisor.log.write(.error, missing)
        return .noKubernetesClient
    }
    do throws(Sandboxing.Missing) {
        let ports = [invocation.settings.port, invocation.settings.adminPort]
        try sandboxing.close(
            servesLowPort: ports.contains { $0 > 0 && $0 < 1024 }, required: invocation.settings.requireSandbox != .off)
    } catch {
        supervisor.log.write(.error, "not started, because a required wall is missing: \(error.text)")
        return .missingSandbox
    }
    for text in sandboxing.degraded { supervisor.log.write(.warning, "the sandbox is not complete: \(text)") }
    return supervisor.run()
}

/// Without its token or its certificates the watcher would ask in vain for ever: said at once, and by its path.
func missingKubernetesFile(_ configuration: ChildConfiguration) -> String? {
    guard configuration.watchesPool else { return nil }
    for (file, flag) in [(HostFile.token, "kubernetes-token-file"), (.certificateAuthority, "kubernetes-ca-file")] {
        guard let path = configuration.kubernetesFile(file) else { continue }
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        if fd < 0 {
            return "SSRF protection needs the Kubernetes API, and \(path) can't be opened (\(Errno(errno))); is the"
                + " service account's token mounted (automountServiceAccountToken)? --\(flag) names another file"
        }
        close(fd)
    }
    return nil
}

/// `transfer`: the result as it is told; 0 when the bytes are there and were checked.
func finishTransfer(_ peer: AllowedTarget, _ options: TransferOptions, _ path: String) -> Never {
    var transfer = KVTransfer()
    transfer.peer = Endpoint(peer.address.bytes.withUnsafeBytes { Address(bytes: $0) }, peer.port)
    transfer.remoteOffset = UInt64(options.remoteOffset)
    transfer.localOffset = UInt64(options.localOffset)
    transfer.length = UInt64(options.length)
    transfer.blockSize = UInt32(options.blockBytes)
    transfer.check = options.checksum.map { .expect($0) } ?? .verify
    transfer.deadlineMilliseconds = UInt32(options.deadlineMilliseconds)
    transfer.request = options.requestID
    // The sidecar has its own deadline; this one only ends a wait for a sidecar that doesn't answer at all.
    let patience = (options.deadlineMilliseconds == 0 ? 3_600_000 : options.deadlineMilliseconds) + 30_000
    switch ControlClient.ask(.transfer(transfer), path: path, patience: Int32(patience)) {
    case .success(let text):
        printLine(text)
        exit(text.hasPrefix("{\"result\":\"\(KVOutcome.done.name)\"") ? 0 : 1)
    case .failure(let refusal):
        printLine("routing-sidecar: \(refusal.text)", to: 2)
        finish(.portInUse)
    }
}

let environment = environmentVariables()
switch parse(arguments: Array(CommandLine.arguments.dropFirst()), environment: environment) {
case .failure(let mistakes):
    for mistake in mistakes { printLine("routing-sidecar: \(mistake.text)", to: 2) }
    printLine("routing-sidecar: not started; 'routing-sidecar --help' explains every setting", to: 2)
    finish(.configuration)
case .success(let invocation):
    switch invocation.command {
    case .help: printLine(helpText())
    case .version: printLine("routing-sidecar \(Version.text)")
    case .checkConfig: printLine(effectiveConfigurationText(invocation))
    case .status(let json):
        switch ControlClient.ask(.status, path: invocation.settings.controlSocket) {
        case .success(let text): printLine(json ? text : StatusReport.table(text))
        case .failure(let refusal):
            printLine("routing-sidecar: \(refusal.text)", to: 2)
            finish(.portInUse)
        }
    case .audit(let options): exit(Auditing.run(options, path: invocation.settings.controlSocket))
    case .transfer(let peer, let options): finishTransfer(peer, options, invocation.settings.controlSocket)
    case .restart(let name):
        switch ControlClient.ask(.restart(name: name), path: invocation.settings.controlSocket) {
        case .success(let text): printLine(text)
        case .failure(let refusal):
            printLine("routing-sidecar: \(refusal.text)", to: 2)
            finish(.portInUse)
        }
    case .serve: finish(serve(invocation, environment))
    }
}
