/// What kinds of addresses there are that whoever connects for others must know.
extension Address {
    /// An address and every IPv4 address that some network on the way could take it for: mapped and compatible forms,
    /// NAT64 (64:ff9b::/96 and the local 64:ff9b:1::/48), 6to4, Teredo, ISATAP.
    public var readings: [Address] {
        let address = self
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
    public var isNeverATarget: Bool {
        if isV4 {
            if v4 >> 24 == 0 { return true }  // 0.0.0.0/8
            if v4 >> 28 >= 14 { return true }  // multicast 224/4, reserved 240/4, broadcast
            return v4 == 0x6464_64C8 || v4 == 0xA83F_8110  // 100.100.100.200, 168.63.129.16
        }
        if high == 0 && low == 0 { return true }
        if high >> 56 == 0xFF { return true }  // multicast
        return high == 0xFD00_0EC2_0000_0000 && low == 0x254  // fd00:ec2::254
    }

    /// 169.254.0.0/16 and fe80::/10, and the deprecated site-local fec0::/10.
    public var isLinkLocal: Bool {
        if isV4 { return v4 >> 16 == 0xA9FE }
        return high >> 54 == 0x3FA || high >> 54 == 0x3FB
    }

    /// 127.0.0.0/8 and ::1.
    public var isLoopback: Bool {
        isV4 ? v4 >> 24 == 127 : self == .loopback6
    }
}
