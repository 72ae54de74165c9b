import Allowlist
import IPC
import Linux

/// What the dialer connects to and what it never connects to. Pure: addresses in, a verdict out. This check is the one
/// that counts; whatever the proxy believes makes no difference here.
struct Policy {
    let settings: DialerSettings
    /// Addresses of this host's interfaces: our own pod.
    let own: [Address]
    /// The members of the pool; nil until the first snapshot has come.
    var allowlist: Snapshot?
    /// The snapshot's generation; 0 = none yet.
    var generation: UInt64 = 0
    /// When the snapshot was last shown to be current, in milliseconds of the monotonic clock.
    var confirmedAt: Int64 = 0

    init(settings: DialerSettings, own: [Address]) {
        self.settings = settings
        self.own = own
    }

    /// Nil: allowed. A prefiller named by a request. What is always refused is refused first: a snapshot that names it
    /// changes nothing.
    func refusal(of target: Endpoint, now: Int64) -> DialRefusal? {
        forbidden(target) ?? (settings.protection ? outsideAllowlist(target, now) : nil)
    }

    private func outsideAllowlist(_ target: Endpoint, _ now: Int64) -> DialRefusal? {
        guard let allowlist else { return .allowlistMissing }
        let limit = Int64(settings.allowlistMaximumAge)
        if limit > 0 && now - confirmedAt > limit { return .allowlistStale }
        switch allowlist.verdict(on: target) {
        case .allowed: return nil
        case .addressNotAllowed: return .notInPool
        case .portNotAllowed: return .portNotAllowed
        }
    }

    private func forbidden(_ target: Endpoint) -> DialRefusal? {
        guard target.port != 0 else { return .forbiddenAddress }
        for address in Self.readings(of: target.address) {
            let endpoint = Endpoint(address, target.port)
            if settings.denied.contains(where: { $0.contains(endpoint) }) { return .forbiddenAddress }
            if Self.isNeverATarget(address) { return .forbiddenAddress }
            if !settings.allowLinkLocal && Self.isLinkLocal(address) { return .forbiddenAddress }
            let isLoopback = Self.isLoopback(address)
            if isLoopback && !settings.allowLoopback { return .forbiddenAddress }
            // Our own addresses; loopback ones among them are judged as loopback.
            if !isLoopback && own.contains(address) { return .forbiddenAddress }
        }
        return nil
    }

    /// An address and every IPv4 address that some network on the way could take it for: mapped and compatible forms,
    /// NAT64 (64:ff9b::/96 and the local 64:ff9b:1::/48), 6to4, Teredo, ISATAP.
    static func readings(of address: Address) -> [Address] {
        var all = [address]
        func add(_ v4: UInt32) { all.append(Address(v4: v4)) }
        let low32 = UInt32(truncatingIfNeeded: address.low)
        if !address.isV4 {
            // Of the compatible forms, :: and ::1 are addresses of their own.
            if address.high == 0 && address.low >> 32 == 0 && address.low > 1 { add(low32) }
            if address.high == 0 && address.low >> 32 == 0xFFFF_0000 { add(low32) }
            if address.high == 0x0064_FF9B_0000_0000 && address.low >> 32 == 0 { add(low32) }
            if address.high >> 16 == 0x0064_FF9B_0001 {
                // A network chooses the length of its prefix; RFC 6052 puts the address elsewhere for each.
                add(low32)
                let layouts = [
                    UInt32(address.high & 0xFFFF) << 16 | UInt32(address.low >> 40 & 0xFFFF),
                    UInt32(address.high & 0xFF) << 24 | UInt32(address.low >> 32 & 0xFF_FFFF),
                    UInt32(truncatingIfNeeded: address.low >> 24),
                ]
                // A reading in 0.0.0.0/8 only says that this layout isn't the one in use.
                for v4 in layouts where v4 >> 24 != 0 { add(v4) }
            }
            if address.high >> 48 == 0x2002 { add(UInt32(truncatingIfNeeded: address.high >> 16)) }
            if address.high >> 32 == 0x2001_0000 { add(~low32) }
            if address.low >> 32 & 0xFCFF_FFFF == 0x0000_5EFE { add(low32) }
        }
        return all
    }

    /// Refused whatever the settings say: unspecified, multicast, broadcast, reserved, and the metadata services that
    /// live outside link-local space.
    static func isNeverATarget(_ address: Address) -> Bool {
        if address.isV4 {
            let v4 = address.v4
            if v4 >> 24 == 0 { return true }  // 0.0.0.0/8
            if v4 >> 28 >= 14 { return true }  // multicast 224/4, reserved 240/4, broadcast
            return v4 == 0x6464_64C8 || v4 == 0xA83F_8110  // 100.100.100.200, 168.63.129.16
        }
        if address.high == 0 && address.low == 0 { return true }
        if address.high >> 56 == 0xFF { return true }  // multicast
        return address.high == 0xFD00_0EC2_0000_0000 && address.low == 0x254  // fd00:ec2::254
    }

    /// 169.254.0.0/16 and fe80::/10, and the deprecated site-local fec0::/10.
    static func isLinkLocal(_ address: Address) -> Bool {
        if address.isV4 { return address.v4 >> 16 == 0xA9FE }
        return address.high >> 54 == 0x3FA || address.high >> 54 == 0x3FB
    }

    static func isLoopback(_ address: Address) -> Bool {
        address.isV4 ? address.v4 >> 24 == 127 : address == .loopback6
    }
}
