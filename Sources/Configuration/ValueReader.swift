/// Checks the values of flags and environment variables one by one.
struct ValueReader {
    private(set) var flagLayer = Layer()
    private(set) var environmentLayer = Layer()
    /// Settings with a value that was not taken: a check across settings would judge by a default nobody meant.
    private(set) var unusable: Set<String> = []
    private(set) var mistakes: [Mistake] = []
    private(set) var notes: [String] = []

    mutating func readFlags(_ flags: [(setting: Setting, given: Given)]) {
        for (setting, given) in flags {
            guard isUsable(given, for: setting) else { continue }
            guard let earlier = flagLayer.values[setting.name] else {
                flagLayer.values[setting.name] = given
                continue
            }
            if canonical(earlier, setting) != canonical(given, setting) {
                mistakes.append(
                    Mistake("\(given.written): contradicts \(earlier.written), the same flag given before; keep one"))
                unusable.insert(setting.name)
            }
        }
    }

    mutating func readEnvironment(_ environment: [String: String], settings: [Setting]) {
        for setting in settings {
            guard let variable = setting.environment, let text = environment[variable], !text.isEmpty else { continue }
            let given = Given(text: text, source: .environment(variable))
            if variable.hasSuffix("_PORT"), isServiceLink(text) {
                notes.append(
                    "\(given.written) is ignored: it is the link that Kubernetes sets for a Service of that name, not a"
                        + " port (enableServiceLinks: false in the pod keeps it away)")
                continue
            }
            if isUsable(given, for: setting) { environmentLayer.values[setting.name] = given }
        }
    }

    /// Where a pod finds the Kubernetes API. A name there is left alone: it is complained of only by those who need it.
    mutating func readCluster(_ environment: [String: String]) {
        let ports = ["KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS"].lazy.compactMap { environment[$0] }
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let address = IPAddress(host),
            let port = ports.first(where: { !$0.isEmpty }),
            let setting = SettingsTable.row("kubernetes-server")
        else { return }
        let text = "https://" + (address.isV4 ? "\(address)" : "[\(address)]") + ":\(port)"
        let given = Given(text: text, source: .environment("KUBERNETES_SERVICE_HOST"))
        if isUsable(given, for: setting) { environmentLayer.values[setting.name] = given }
    }

    /// Kubernetes gives every pod `NAME_PORT=tcp://ADDRESS:PORT` for each Service of its namespace: a Service called
    /// `vllm` or `sidecar` must not keep the sidecar from starting.
    private func isServiceLink(_ text: String) -> Bool {
        ["tcp://", "udp://", "sctp://"].contains { text.hasPrefix($0) }
    }

    private mutating func isUsable(_ given: Given, for setting: Setting) -> Bool {
        var scratch = Settings()
        do {
            try setting.kind.store(given.text, &scratch)
            return true
        } catch {
            mistakes.append(
                Mistake("\(given.written): \(quoted(given.text)) \(error.reason); accepted: \(setting.kind.accepted)"))
            unusable.insert(setting.name)
            return false
        }
    }

    /// One spelling for values that mean the same.
    private func canonical(_ given: Given, _ setting: Setting) -> String {
        var scratch = Settings()
        // `auto` is stored as what it amounts to later on, and so told apart by its text alone.
        guard given.text != "auto", (try? setting.kind.store(given.text, &scratch)) != nil else { return given.text }
        return setting.kind.show(scratch)
    }
}
