/// Why a DNS message is not taken.
enum DNSFault: Error, Equatable {
    /// It does not answer what was asked: another id, another question, no answer at all. Nothing was learned; the
    /// true answer may still come.
    case stray
    /// It answers what was asked, and breaks the rules of the format.
    case malformed
}

/// Reads the fields of a message that may be hostile. It works on an array, whose bounds are checked in every build:
/// a mistake here would end the process, never read beyond the message.
struct DNSReader {
    /// The fixed header of every message, in bytes.
    static let headerSize = 12
    /// A pointer saves at least one label, and a name has no more labels than this.
    private static let mostPointers = 127

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func number16() throws(DNSFault) -> UInt16 {
        guard bytes.count - position >= 2 else { throw .malformed }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func number32() throws(DNSFault) -> UInt32 {
        let upper = try number16()
        let lower = try number16()
        return UInt32(upper) << 16 | UInt32(lower)
    }

    mutating func number64() throws(DNSFault) -> UInt64 {
        let upper = try number32()
        let lower = try number32()
        return UInt64(upper) << 32 | UInt64(lower)
    }

    mutating func skip(_ count: Int) throws(DNSFault) {
        guard count >= 0, bytes.count - position >= count else { throw .malformed }
        position += count
    }

    /// A name, compressed or not. Every pointer must lead before the part of the name it ends (RFC 1035, 4.1.4: "a prior
    /// occurrence"), so that no chain of pointers comes back to where it was.
    mutating func name() throws(DNSFault) -> DomainName {
        var labels: [UInt8] = []
        var at = position
        var partStart = position
        var pointers = 0
        while true {
            guard at < bytes.count else { throw .malformed }
            let length = Int(bytes[at])
            switch length >> 6 {
            case 0 where length == 0:
                if pointers == 0 { position = at + 1 }
                return DomainName(checkedLabels: labels)
            case 0:
                guard bytes.count - at > length, labels.count + 1 + length < DomainName.longestWire else {
                    throw .malformed
                }
                labels.append(UInt8(length))
                for byte in bytes[(at + 1)...(at + length)] {
                    let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    labels.append(isUpper ? byte | 0x20 : byte)
                }
                at += 1 + length
            case 3:
                guard bytes.count - at >= 2 else { throw .malformed }
                let target = (length & 0x3F) << 8 | Int(bytes[at + 1])
                if pointers == 0 { position = at + 2 }
                pointers += 1
                guard target >= Self.headerSize, target < partStart, pointers <= Self.mostPointers else {
                    throw .malformed
                }
                partStart = target
                at = target
            default: throw .malformed
            }
        }
    }
}
