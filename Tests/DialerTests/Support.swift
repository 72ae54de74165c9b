import IPC
import Linux
import XCTest

@testable import Dialer

/// An address from its text; a text that is none fails the test.
func address(_ text: String, file: StaticString = #filePath, line: UInt = #line) -> Address {
    guard let address = Address.parse(text) else {
        XCTFail("'\(text)' is no address", file: file, line: line)
        return .any
    }
    return address
}

/// A block as `--deny` means it: the prefix of an IPv4 block is counted from the start of its four bytes.
func block(_ text: String, _ prefix: UInt8, port: UInt16 = 0) -> AddressBlock {
    let first = address(text)
    return AddressBlock(first, prefixLength: first.isV4 ? prefix + 96 : prefix, port: port)
}

/// A policy with the defaults but for what is named.
func policy(
    allowLoopback: Bool = false, allowLinkLocal: Bool = false, denied: [AddressBlock] = [], own: [Address] = []
) -> Policy {
    var settings = DialerSettings()
    settings.allowLoopback = allowLoopback
    settings.allowLinkLocal = allowLinkLocal
    settings.denied = denied
    return Policy(settings: settings, own: own)
}

extension Policy {
    func refuses(_ target: Address, port: UInt16 = 8000) -> Bool { refusal(of: Endpoint(target, port), now: 0) != nil }
    func refuses(_ text: String, port: UInt16 = 8000) -> Bool { refuses(address(text), port: port) }
}

/// Every IPv6 form that some network or library takes for an IPv4 address, by its name. Written out by hand from the
/// RFCs, and not with the code under test.
func embeddings(of v4: UInt32) -> [(name: String, address: Address)] {
    let low = UInt64(v4)
    var all: [(String, Address)] = [
        ("IPv4 itself (RFC 4291 mapped)", Address(high: 0, low: 0xFFFF_0000_0000 | low)),
        ("compatible (RFC 4291)", Address(high: 0, low: low)),
        ("translated (RFC 2765)", Address(high: 0, low: 0xFFFF_0000_0000_0000 | low)),
        ("NAT64 well-known prefix (RFC 6052)", Address(high: 0x0064_FF9B_0000_0000, low: low)),
        ("NAT64 local prefix (RFC 8215)", Address(high: 0x0064_FF9B_0001_0000, low: low)),
        ("NAT64 local prefix, another subnet", Address(high: 0x0064_FF9B_0001_ABCD, low: 0x1234_5678_0000_0000 | low)),
        ("6to4 (RFC 3056)", Address(high: 0x2002_0000_0000_0000 | low << 16, low: 0)),
        ("6to4 with subnet and host", Address(high: 0x2002_0000_0000_0001 | low << 16, low: 0xDEAD_BEEF_0000_0001)),
        ("Teredo client (RFC 4380)", Address(high: 0x2001_0000_4136_E378, low: 0x8000_63BF_0000_0000 | UInt64(~v4))),
    ]
    // ISATAP (RFC 5214): the universal and group bits of the interface identifier may be either way.
    for bits: UInt64 in [0x0000, 0x0100, 0x0200, 0x0300] {
        for prefix: UInt64 in [0x2001_0DB8_0001_0002, 0xFD12_3456_789A_0001] {
            let identifier = (bits << 16 | 0x5EFE) << 32 | low
            all.append(("ISATAP with bits \(bits) behind \(prefix)", Address(high: prefix, low: identifier)))
        }
    }
    return all
}
