import Linux
import TestSupport
import XCTest

@testable import IPC

/// Settings of children at their extremes, and blocks of addresses.
final class SettingsTests: XCTestCase {
    private func decoded(_ settings: ChildSettings) -> ChildSettings? {
        guard case .message(.settings(let back)) = decode(frame(ToChild.settings(settings)), 0, as: ToChild.self) else {
            return nil
        }
        return back
    }

    func testEverySettingRoundTrips() {
        for settings in Samples.childSettings { XCTAssertEqual(decoded(settings), settings) }
        // Samples that are equal would check one thing twice.
        for (i, one) in Samples.childSettings.enumerated() {
            for other in Samples.childSettings[(i + 1)...] { XCTAssertNotEqual(one, other) }
        }
    }

    func testTheLongestSettingsFitTheirFrame() {
        for settings in Samples.childSettings {
            let size = frame(ToChild.settings(settings)).count - Frame.headerSize
            XCTAssertLessThanOrEqual(size, ChildSettings.longest)
        }
    }

    func testListsThatAreTooLongAreRefusedWhole() {
        var dialer = DialerSettings()
        for count in [9, 255, 256, 300] {
            dialer.decoder = Array(repeating: Endpoint(.loopback4, 1), count: count)
            XCTAssertNil(decoded(.dialer(dialer)), "\(count) decoders")
        }
        for count in [DialerSettings.mostBlocks + 1, DialerSettings.mostBlocks + 256, 4000, 65_536 + 3] {
            dialer = DialerSettings()
            dialer.denied = Array(repeating: AddressBlock(.any, prefixLength: 0), count: count)
            XCTAssertNil(decoded(.dialer(dialer)), "\(count) blocks")
        }
        var watcher = WatcherSettings()
        watcher.ports = .list
        for count in [WatcherSettings.mostPorts + 1, 255, 256, 300] {
            watcher.portList = Array(repeating: 80, count: count)
            XCTAssertNil(decoded(.watcher(watcher)), "\(count) ports")
        }
        let texts: [WritableKeyPath<WatcherSettings, String>] = [\.namespace, \.pool, \.group, \.selector]
        for text in texts {
            watcher = WatcherSettings()
            watcher[keyPath: text] = String(repeating: "x", count: WatcherSettings.longestText + 1)
            XCTAssertNil(decoded(.watcher(watcher)))
        }
        var proxy = ProxySettings()
        proxy.decoderName = String(repeating: "x", count: 64)
        XCTAssertEqual(decoded(.proxy(proxy)), .proxy(proxy))
        proxy.decoderName += "x"
        XCTAssertNil(decoded(.proxy(proxy)))
    }

    /// A port list that fits its bound but not its kind is the sender's business; a kind that doesn't exist is not.
    func testPortsAreOfAKnownKind() {
        let packet = frame(ToChild.settings(.watcher(WatcherSettings())))
        let place = Frame.headerSize + 1 + 18 + 4 * 2
        for kind in UInt8.min...UInt8.max {
            var changed = packet
            changed[place] = kind
            var expected = WatcherSettings()
            guard let ports = WatcherSettings.Ports(rawValue: kind) else {
                XCTAssertEqual(decode(changed, 0, as: ToChild.self), .violation(.malformed("settings")), "\(kind)")
                continue
            }
            expected.ports = ports
            XCTAssertEqual(decode(changed, 0), .message(ToChild.settings(.watcher(expected))))
        }
    }

    func testRolesWithoutSettingsHaveNone() {
        for role in UInt8.min...UInt8.max {
            let payload = [role, 2]
            let packet = header(1, payload.count) + payload
            let isSmall = [Role.admin, .resolver].map(\.rawValue).contains(role)
            if case .message(let message) = decode(packet, 0, as: ToChild.self) {
                XCTAssertTrue(isSmall, "role \(role)")
                guard case .settings(let settings) = message else { return XCTFail("not settings") }
                XCTAssertEqual(settings.role.rawValue, role)
            } else {
                XCTAssertFalse(isSmall, "role \(role)")
            }
        }
    }

    // MARK: Blocks

    private func block(_ text: String, _ prefix: UInt8, port: UInt16 = 0) -> AddressBlock {
        let v4 = Address.parse(text)!
        return AddressBlock(v4, prefixLength: v4.isV4 ? prefix + 96 : prefix, port: port)
    }

    func testBlocksHoldWhatTheySay() {
        let rows: [(AddressBlock, in: [String], out: [String])] = [
            (
                block("10.0.0.0", 8), ["10.0.0.0", "10.255.255.255", "10.1.2.3"],
                ["9.255.255.255", "11.0.0.0", "::10.0.0.1", "::"]
            ),
            (block("192.168.4.0", 22), ["192.168.4.0", "192.168.7.255"], ["192.168.3.255", "192.168.8.0"]),
            (
                block("169.254.169.254", 32), ["169.254.169.254"],
                ["169.254.169.253", "169.254.169.255", "169.254.168.254"]
            ),
            (block("0.0.0.0", 0), ["0.0.0.0", "255.255.255.255", "127.0.0.1"], ["::1", "2001:db8::1", "::"]),
            (block("::", 0), ["::", "::1", "ffff::", "1.2.3.4", "255.255.255.255"], []),
            (block("fe80::", 10), ["fe80::", "febf:ffff::1"], ["fe7f::", "fec0::", "ff80::"]),
            (
                block("2001:db8::", 32), ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
                ["2001:db9::", "2001:db7::1"]
            ),
            (
                block("2001:db8:0:1::", 64), ["2001:db8:0:1::", "2001:db8:0:1:ffff::1"],
                ["2001:db8:0:2::", "2001:db8::"]
            ),
            (
                block("2001:db8::8000:0:0:0", 65), ["2001:db8::8000:0:0:0", "2001:db8::ffff:0:0:1"],
                ["2001:db8::7fff:0:0:0", "2001:db8::1"]
            ),
            (block("2001:db8::", 63), ["2001:db8::1", "2001:db8:0:1::1"], ["2001:db8:0:2::1"]),
            (block("::1", 128), ["::1"], ["::", "::2", "::3", "1::1", "0.0.0.1"]),
            (block("::2", 127), ["::2", "::3"], ["::1", "::4"]),
        ]
        for (block, inside, outside) in rows {
            for text in inside {
                XCTAssertTrue(block.contains(Endpoint(Address.parse(text)!, 80)), "\(text) in \(block)")
            }
            for text in outside {
                XCTAssertFalse(block.contains(Endpoint(Address.parse(text)!, 80)), "\(text) not in \(block)")
            }
        }
    }

    func testPorts() {
        let any = block("10.0.0.1", 32)
        let one = block("10.0.0.1", 32, port: 6443)
        for port: UInt16 in [0, 1, 6443, .max] {
            XCTAssertTrue(any.contains(Endpoint(Address(v4: 0x0A00_0001), port)))
            XCTAssertEqual(one.contains(Endpoint(Address(v4: 0x0A00_0001), port)), port == 6443)
            XCTAssertFalse(one.contains(Endpoint(Address(v4: 0x0A00_0002), port)))
        }
    }

    /// Every prefix length against a comparison bit by bit; a length over 128 counts as 128.
    func testEveryPrefixLength() {
        var random = SeededGenerator(seed: 3)
        for prefix in UInt8.min...UInt8.max {
            let base = Address(high: random.next(), low: random.next())
            let block = AddressBlock(base, prefixLength: prefix)
            XCTAssertTrue(block.contains(Endpoint(base, 1)))
            for bit in 0..<128 {
                var other = base
                if bit < 64 { other.high ^= 1 << UInt64(63 - bit) } else { other.low ^= 1 << UInt64(127 - bit) }
                XCTAssertEqual(block.contains(Endpoint(other, 1)), bit >= Int(prefix), "bit \(bit) of /\(prefix)")
            }
        }
    }
}
