/// Makes settings of the merged values: what follows from what, what this build lacks, what contradicts what.
struct Resolution {
    private(set) var settings = Settings()
    private(set) var sources: [String: Source] = [:]
    private(set) var mistakes: [Mistake] = []
    private(set) var notes: [String] = []

    let merged: [String: Given]
    /// Settings with a mistake of their own.
    let unusable: Set<String>

    init(_ merged: [String: Given], unusable: Set<String>) {
        self.merged = merged
        self.unusable = unusable
        for setting in SettingsTable.all {
            sources[setting.name] = merged[setting.name]?.source ?? .default
            guard let given = merged[setting.name] else { continue }
            do {
                try setting.kind.store(given.text, &settings)
            } catch {
                mistakes.append(Mistake("\(given.written): \(error.reason)"))
            }
        }
    }

    /// Everything that serving and `check-config` need.
    mutating func resolve() {
        resolvePool()
        resolveHandoffHostCheck()
        resolveLogLevel()
        resolveTLS()
        for setting in SettingsTable.all where !unusable.contains(setting.name) {
            refuse(setting)
            remark(setting)
        }
        checkAcross()
    }

    /// What `status` and `restart` need.
    mutating func checkControlSocket() {
        guard isKnown("control-socket"), settings.controlSocket.isEmpty else { return }
        complain("\(written("control-socket")): there is no socket to speak to the running sidecar by; name its path")
    }

    mutating func complain(_ text: String) { mistakes.append(Mistake(text)) }

    mutating func note(_ text: String) { notes.append(text) }

    /// Sets a switch that was written under another name.
    mutating func turnOn(_ field: WritableKeyPath<Settings, Bool>, _ name: String, from source: Source) {
        settings[keyPath: field] = true
        sources[name] = source
    }

    /// Whether none of these settings has a mistake of its own.
    func isKnown(_ names: String...) -> Bool { names.allSatisfy { !unusable.contains($0) } }

    /// Whether somebody set it.
    func isGiven(_ name: String) -> Bool { merged[name] != nil }

    /// The setting with its value, as whoever wrote it knows it.
    func written(_ name: String) -> String {
        if let given = merged[name] { return given.written }
        guard let row = SettingsTable.row(name) else { return "--\(name)" }
        return "--\(name)=\(row.kind.show(settings)) (the default)"
    }

    private mutating func refuse(_ setting: Setting) {
        guard let notBuilt = setting.notBuilt, !notBuilt.available.contains(setting.kind.show(settings)) else { return }
        if !isGiven(setting.name), let whenDefault = notBuilt.whenDefault {
            complain("--\(setting.name) is not given: \(whenDefault)")
        } else {
            complain(
                "\(written(setting.name)) is not available in this build: \(notBuilt.because); \(notBuilt.instead)")
        }
    }

    private mutating func remark(_ setting: Setting) {
        guard let effect = setting.withoutEffect, isGiven(setting.name) else { return }
        if effect.unremarkable.contains(setting.kind.show(settings)) { return }
        note("\(written(setting.name)) has no effect: \(effect.because)")
    }

    /// `--inference-pool` and the older pair say the same thing in two ways: the one from the stronger source counts.
    private mutating func resolvePool() {
        guard let pool = merged["inference-pool"], !settings.inferencePool.isEmpty else { return }
        let parts = settings.inferencePool.split(separator: "/").map(String.init)
        adopt(parts[parts.count - 1], as: \.poolName, "inference-pool-name", from: pool)
        if parts.count == 2 {
            adopt(parts[0], as: \.poolNamespace, "inference-pool-namespace", from: pool)
        } else if settings.poolNamespace.isEmpty {
            adopt("default", as: \.poolNamespace, "inference-pool-namespace", from: pool)
        }
    }

    private mutating func adopt(
        _ value: String, as field: WritableKeyPath<Settings, String>, _ name: String, from pool: Given
    ) {
        if let other = merged[name], !settings[keyPath: field].isEmpty, settings[keyPath: field] != value {
            if other.source.rank < pool.source.rank { return }
            if other.source.rank == pool.source.rank {
                complain("\(other.written): contradicts \(pool.written); keep one")
                return
            }
        }
        settings[keyPath: field] = value
        sources[name] = pool.source
    }

    private mutating func resolveHandoffHostCheck() {
        guard merged["handoff-host-check"]?.text ?? "auto" == "auto" else { return }
        settings.handoffHostCheck = settings.ssrfProtection ? .pool : .off
        if !isGiven("handoff-host-check") {
            sources["handoff-host-check"] = .derived("auto, by --enable-ssrf-protection")
        }
    }

    /// The loggers of other sidecars have levels too; ours counts if it is given.
    private mutating func resolveLogLevel() {
        let others = ["zap-log-level", "v"].filter { isGiven($0) && isKnown($0) }
        guard let strongest = others.first else { return }
        let ours = isGiven("log-level")
        if !ours {
            settings.logLevel =
                (strongest == "v" ? nil : logLevel(zap: settings.compatibility.zapLogLevel))
                ?? logLevel(klog: settings.compatibility.verbosity)
            sources["log-level"] = merged[strongest]?.source ?? .default
        }
        for idle in ours ? others[...] : others.dropFirst() {
            note("\(written(idle)) has no effect: \(written(ours ? "log-level" : strongest)) decides")
        }
    }
}
