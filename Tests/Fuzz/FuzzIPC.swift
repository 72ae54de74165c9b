// A libFuzzer target for the messages between processes, in every direction, and for IP literals.
//
// The first byte of an input says what the rest is: the low four bits choose a direction (or, from 10 on, an address),
// two bits the number of descriptors, and the highest bit asks for a sound header, so that the fuzzer gets past it.
// Tests/Fuzz/run.sh builds it, module by module.

import Glibc
import IPC
import Linux

/// Ends the run, with the input that led here, when `condition` does not hold.
private func require(_ condition: Bool, _ promise: StaticString) {
    if condition { return }
    // An optimised build drops the texts of preconditions, so the promise is written here.
    let text = "broken promise: \(promise)\n"
    _ = write(2, text, text.utf8.count)
    preconditionFailure()
}

/// Called by libFuzzer with one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzIPC(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 0 else { return 0 }
    let rest = UnsafeRawBufferPointer(start: UnsafeRawPointer(data) + 1, count: size - 1)
    let descriptors = Int(data[0] >> 4 & 3)
    let choice = data[0] & 15
    if choice >= 10 {
        fuzzAddress(rest)
    } else if data[0] & 0x80 == 0 {
        fuzz(choice, rest, descriptors)
    } else {
        guard let packet = packet(rest, descriptors) else { return 0 }
        packet.withUnsafeBytes { fuzz(choice, $0, descriptors) }
    }
    return 0
}

/// A frame whose header is right, of a type and a payload.
private func packet(_ content: UnsafeRawBufferPointer, _ descriptors: Int) -> [UInt8]? {
    guard let type = content.first, content.count <= Frame.largestPayload else { return nil }
    let length = UInt32(content.count - 1)
    return [Frame.version, type, UInt8(min(descriptors, 1)), 0] + withUnsafeBytes(of: length.littleEndian) { Array($0) }
        + content.dropFirst()
}

private func fuzz(_ choice: UInt8, _ packet: UnsafeRawBufferPointer, _ descriptors: Int) {
    switch choice {
    case 0:
        guard let message = decode(ToChild.self, packet, descriptors) else { return }
        for role in Role.allCases {
            guard Permissions.accepts(role, message), case .settings(let settings) = message else { continue }
            require(settings.role == role, "settings are for one role")
        }
    case 1:
        guard let message = decode(FromChild.self, packet, descriptors) else { return }
        for role in Role.allCases {
            for phase in ChildPhase.allCases where Permissions.allows(role, message, phase) {
                switch message {
                case .drained: require(role == .proxy, "only a proxy drains")
                case .allowlist, .allowlistConfirmed: require(role == .watcher, "only a watcher knows the pool")
                case .fileWanted: require(role == .watcher, "only a watcher asks for files")
                case .allowlistInForce: require(role == .dialer || role == .proxy, "only those who go by a list say so")
                case .keyJudged, .certificateMade: require(role == .signer, "only a signer judges keys")
                case .certificatesJudged: require(role == .proxy, "only a proxy shows certificates")
                case .transferEnded: require(role == .kvAgent, "only a KV agent has transfers")
                case .unlinked(let sibling):
                    require(
                        role == .proxy && (sibling == .dialer || sibling == .signer)
                            || role == .dialer && sibling == .resolver, "only those who ask a sibling miss it")
                case .ready, .pong, .violation: break
                }
            }
        }
    case 2: _ = decode(ToDialer.self, packet, descriptors)
    case 3: _ = decode(FromDialer.self, packet, descriptors)
    case 4: _ = decode(ControlRequest.self, packet, descriptors)
    case 5: _ = decode(ControlAnswer.self, packet, descriptors)
    case 6: _ = decode(ToResolver.self, packet, descriptors)
    case 7: _ = decode(FromResolver.self, packet, descriptors)
    case 8: _ = decode(ToSigner.self, packet, descriptors)
    default: _ = decode(FromSigner.self, packet, descriptors)
    }
}

/// A packet is refused, or it is the one spelling of a message.
private func decode<M: Message & Equatable>(
    _ type: M.Type, _ packet: UnsafeRawBufferPointer, _ descriptors: Int
) -> M? {
    let message: M
    do throws(Frame.Violation) {
        message = try Channel.decode(packet, descriptors: descriptors)
    } catch {
        require(!error.description.isEmpty, "a violation says what it is")
        return nil
    }
    require(message.carriesDescriptor == (descriptors == 1), "a descriptor comes when it must, and alone")
    require(!message.name.isEmpty, "a message has a name")
    require(M.longestPayload(ofType: message.type) ?? -1 >= packet.count - Frame.headerSize, "a payload has a cap")
    let out = UnsafeMutableRawBufferPointer.allocate(byteCount: Frame.bufferSize, alignment: 16)
    defer { out.deallocate() }
    let count = Channel.encode(message, descriptors: descriptors, into: out)
    require(count == packet.count && packet.elementsEqual(out[..<count]), "a message has one spelling")
    return message
}

/// A literal is what the system takes for an address, and it is written as it is read.
private func fuzzAddress(_ text: UnsafeRawBufferPointer) {
    let found = Address.parse(text)
    if !text.contains(0) {
        var bytes = [UInt8](repeating: 0, count: 16)
        let isV6 = text.contains(0x3A)
        let terminated = text.map { CChar(bitPattern: $0) } + [0]
        var expected: Address?
        if inet_pton(isV6 ? AF_INET6 : AF_INET, terminated, &bytes) == 1 {
            if !isV6 { bytes = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes[..<4] }
            expected = bytes.withUnsafeBytes { Address(bytes: $0) }
        }
        require(found == expected, "the system reads the same address")
    }
    guard let found else { return }
    require(Address.parse(found.description) == found, "a description is read as the same address")
    let block = AddressBlock(found, prefixLength: text.last ?? 0, port: 0)
    require(block.contains(Endpoint(found, 1)), "a block holds its first address")
}
